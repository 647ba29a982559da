// The connection cut at every byte of a recorded session (hazard I): what was asked for comes whole, over another
// connection, each message once; or the call rejects as a typed error.

import { expect, test } from 'vitest'

import { ImapClient, MailError } from '../index'
import { all } from './failing'
import { mailOf, UIDS } from './hostile/honest'
import { startServer, type HostileServer } from './hostile/server'

/** Sessions at a time. */
const AT_ONCE = 6
const NO_TLS = { key: '', cert: '' }

test.each(['end', 'reset'] as const)('by %s at every byte', { timeout: 300_000 }, async (how) => {
  const whole = await startServer({}, NO_TLS)
  expect(await session(whole)).toEqual(EXPECTED)
  await whole.stop()
  expect(whole.connections).toBe(1)

  const counts = { completed: 0, refused: 0 }
  let next = 0
  const work = async () => {
    while (next < whole.sent) {
      const after = next++
      const server = await startServer({ cut: { after, how } }, NO_TLS)
      const outcome = await session(server)
      await server.stop()
      if (outcome instanceof MailError) {
        // Only the login, which nobody may repeat behind the caller's back.
        expect(outcome, `at ${after}`).toMatchObject({ code: 'CONNECTION_LOST', category: 'network', retryable: true })
        expect(
          server.commands.filter(({ name }) => /FETCH/.test(name)),
          `at ${after}`,
        ).toEqual([])
        counts.refused += 1
      } else {
        expect(outcome, `at ${after}`).toEqual(EXPECTED)
        counts.completed += 1
      }
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  expect(counts.completed).toBeGreaterThan(1000)
  expect(counts.refused).toBeLessThan(250)
})

const EXPECTED = {
  rows: UIDS.map((uid) => ({ uid, flags: ['\\Seen'], subject: `Mail ${uid}`, type: 'text/plain', degraded: null })),
  sources: UIDS.map((uid) => ({ uid, source: mailOf(uid), degraded: null })),
  download: mailOf(UIDS[0]),
}

/** Rows, whole messages, a download; whatever went wrong as a value. */
async function session({ port }: HostileServer) {
  let client: ImapClient | null = null
  try {
    client = await ImapClient.connect({
      ...{ host: '127.0.0.1', port, tls: 'none', proxy: null, timeoutMs: 30_000 },
      auth: { user: 'ada', password: 'x' },
    })
    const rows = await all(client.fetch('INBOX', '1:*', { flags: true, envelope: true, bodyStructure: true }))
    const sources = await all(client.fetch('INBOX', '1:*', { source: true }))
    const download = Buffer.concat(await all(client.download('INBOX', UIDS[0])))
    return {
      rows: rows.map(({ uid, flags, envelope, bodyStructure, degraded }) => {
        return { uid, flags, subject: envelope?.subject, type: bodyStructure?.type, degraded }
      }),
      sources: sources.map(({ uid, source, degraded }) => ({ uid, source: source?.toString(), degraded })),
      download: download.toString(),
    }
  } catch (error) {
    return error
  } finally {
    client?.close()
  }
}
