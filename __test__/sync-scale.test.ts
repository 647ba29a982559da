import { describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import { fill, PASSWORD, startPlainServer } from './sync/plain-server'
import { Random } from './sync/random'
import { numbered, QUERY } from './sync/recovering'

const MESSAGES = 100_000
/** What the contract promises of a cursor for that many messages. */
const MAX_CURSOR_BYTES = 64 * 1024
const TIMEOUT_MS = 180_000

/** 5 GB, of which each message is the same 50 KB in the simulator's memory. */
const LARGE_MESSAGE_BYTES = 50 * 1024
const SMALL_ACCOUNTS = 999
const SMALL_AT_ONCE = 16
/** Alone, one takes some milliseconds; the simulator and the test share a thread. */
const MAX_SMALL_MS = 10_000

type Server = Awaited<ReturnType<typeof startPlainServer>>

function connect({ port }: Server, user: string): Promise<ImapClient> {
  return ImapClient.connect({ host: '127.0.0.1', port, tls: 'none', auth: { user, password: PASSWORD } })
}

describe.each(['exchange', 'gmail', 'default'])(
  'a mailbox of 100,000 messages on the simulator as %s',
  (personality) => {
    test(
      'has a cursor of at most 64 KB, at every moment, and another sync repeats nothing',
      async () => {
        const server = await startPlainServer(personality)
        const user = 'cursor@contoso.example'
        const random = new Random(20261122)
        // As people's mailboxes are: nearly all read, a tenth answered, some flagged, a keyword of a filter on every third.
        fill(server.store, user, numbered(1, 20), MESSAGES, (index) => [
          ...(random.chance(index < MESSAGES * 0.9 ? 0.99 : 0.6) ? ['\\Seen'] : []),
          ...(random.chance(0.1) ? ['\\Answered'] : []),
          ...(random.chance(0.03) ? ['\\Flagged'] : []),
          ...(personality !== 'exchange' && random.chance(0.3) ? ['NonJunk'] : []),
        ])
        const box = server.store.account(user).get('INBOX')
        server.store.account(user).remove(
          box,
          box.messages.filter(() => random.chance(0.1)),
        )
        const client = await connect(server, user)
        let cursor: string | null = null
        let largest = 0
        let given = 0
        const options = { fetch: { flags: true }, batchSize: 1_000, timeoutMs: TIMEOUT_MS }
        for await (const batch of client.sync('INBOX', null, options)) {
          given += batch.added.length
          cursor = batch.cursor
          largest = Math.max(largest, cursor.length)
        }
        expect(given).toBe(box.messages.length)
        console.log(`${personality}: a cursor of ${largest} bytes for ${given} messages`)
        expect(largest).toBeLessThanOrEqual(MAX_CURSOR_BYTES)
        for await (const { added, flags, vanished } of client.sync('INBOX', cursor, options)) {
          expect({ added, flags, vanished }).toEqual({ added: [], flags: [], vanished: [] })
        }
        client.close()
        await server.stop()
      },
      TIMEOUT_MS,
    )
  },
)

describe('one mailbox of 5 GB beside 999 small ones', () => {
  test(
    'none waits for the large one, and the large one goes on',
    async () => {
      const server = await startPlainServer('exchange')
      fill(server.store, 'large@contoso.example', numbered(1, LARGE_MESSAGE_BYTES), MESSAGES)
      const large = await connect(server, 'large@contoso.example')
      const leaving = new AbortController()
      let bytes = 0
      let finished = false
      const syncing = (async () => {
        const options = { ...QUERY, batchSize: 50, timeoutMs: TIMEOUT_MS, signal: leaving.signal }
        for await (const { added } of large.sync('INBOX', null, options)) {
          for (const { source } of added) bytes += source?.length ?? 0
        }
        finished = true
      })().catch((error) => expect(error).toMatchObject({ code: 'ABORTED' }))

      let next = 0
      let slowest = 0
      const small = async () => {
        while (next < SMALL_ACCOUNTS) {
          const user = `small-${next++}@contoso.example`
          for (let i = 0; i < 3; i++) server.store.account(user).deliver(numbered(i))
          const from = performance.now()
          const client = await connect(server, user)
          const uids: number[] = []
          for await (const { added } of client.sync('INBOX', null, QUERY)) uids.push(...added.map(({ uid }) => uid))
          slowest = Math.max(slowest, performance.now() - from)
          expect(uids.sort()).toEqual([1, 2, 3])
          client.close()
        }
      }
      await Promise.all(Array.from({ length: SMALL_AT_ONCE }, small))
      expect(finished).toBe(false)
      expect(bytes).toBeGreaterThan(10 * LARGE_MESSAGE_BYTES)
      expect(slowest).toBeLessThan(MAX_SMALL_MS)
      console.log(`999 small ones: the slowest took ${slowest.toFixed(0)} ms, beside ${(bytes / 1e6).toFixed(0)} MB`)
      leaving.abort()
      await syncing
      large.close()
      await server.stop()
    },
    TIMEOUT_MS,
  )
})
