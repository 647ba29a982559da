import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { ImapClient, microsoft, OAuthClient } from '../index'
import type { SyncBatch } from '../index'
import { failing } from './failing'
import { Ledger } from './sync/ledger'
import { startPlainServer } from './sync/plain-server'
import { flagsOf, type Stored } from './sync/raw-client'
import { numbered, syncFully } from './sync/recovering'
import { hashOf } from './sync/truth'

/** More than is asked for ahead: a sync is in the middle when its first batch is there. */
const MESSAGES = 300
const ACCOUNTS = 1_000
/** Of each of the thousand: enough for a sync to be in the middle. */
const MESSAGES_OF_MANY = 60
/** A token is asked for at connecting, and again when the server has refused it. */
const MAX_TOKENS_ASKED = 4
const MANY_TIMEOUT_MS = 240_000

describe('the token of a sync', () => {
  let world: MailWorld
  let user = ''
  let client: ImapClient

  beforeAll(async () => {
    world = await startMailWorld({ seed: 0, imap: { personality: 'exchange' } })
    user = world.accounts[0].user
    for (let i = 0; i < MESSAGES; i++) world.mailbox(user).deliver(numbered(i))
  })
  afterAll(() => world.stop())

  beforeEach(async () => {
    world.oauth.clearFaults()
    world.imap?.faults.clear()
    client = await connect()
    return () => client.close()
  })

  async function connect(): Promise<ImapClient> {
    const oauth = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
    const accessToken = oauth.tokenSource({ tokens: await world.issueTokens(user) })
    return ImapClient.connect({ ...world.microsoft.endpoints.imap, ca: world.ca, auth: { user, accessToken } })
  }

  /** After the first batch: the tokens of before are void, and the session ends within the next FETCH. */
  function expiring(bye: boolean, andThen: () => void = () => {}): (batch: SyncBatch) => Promise<void> {
    let done = false
    return async () => {
      if (done) return
      done = true
      await world.oauth.rotateKeys({ forget: true })
      world.imap?.faults.set({ expireAfterMessages: 2, expireWithoutBye: !bye }, { user })
      andThen()
    }
  }

  function expectEqual(ledger: Ledger): void {
    expect(ledger.differences(stored(world.mailbox(user).get('INBOX')))).toEqual([])
  }

  test.each([
    ['with BYE', true],
    ['without BYE', false],
  ])('expires in mid-FETCH %s: it is refreshed, and the sync goes on', async (_how, bye) => {
    const before = world.imap?.connections() ?? 0
    const ledger = new Ledger('INBOX')
    await syncFully(client, ledger, {}, expiring(bye))
    expect(ledger.rows.size).toBe(MESSAGES)
    expectEqual(ledger)
    expect(world.imap?.connections()).toBeGreaterThan(before)
  })

  test('expires, and the refresh token is dead: stop, reauthorize; linked again, the same cursor goes on', async () => {
    const ledger = new Ledger('INBOX')
    const dead = expiring(true, () => world.oauth.failNext({ aadsts: 700082, times: 100 }))
    const error = await failing(syncFully(client, ledger, {}, dead))
    expect(error).toMatchObject({ code: 'INVALID_GRANT', action: 'reauthorize', retryable: false })
    expect(ledger.rows.size).toBeGreaterThan(0)
    expect(ledger.rows.size).toBeLessThan(MESSAGES)
    world.oauth.clearFaults()
    const linked = await connect()
    expect(await syncFully(linked, ledger)).toEqual([])
    expectEqual(ledger)
    linked.close()
  })

  test('expires, and the token endpoint is busy: waits or says how long, then the same cursor goes on', async () => {
    const ledger = new Ledger('INBOX')
    const busy = expiring(false, () => world.oauth.failNext({ status: 429, retryAfter: 1 }))
    const errors = await syncFully(client, ledger, {}, busy)
    for (const error of errors) expect(error).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
    expectEqual(ledger)
  })
})

describe(`${ACCOUNTS} accounts`, () => {
  test(
    'expire in one second, in mid-sync: each is refreshed once and goes on',
    async () => {
      let generation = 0
      const server = await startPlainServer('exchange', { accepts: ({ token }) => token === `token-${generation}` })
      const asked = new Map<string, number>()
      const clients = await inTurns(
        Array.from({ length: ACCOUNTS }, (_, index) => `many-${index}@contoso.example`),
        async (user) => {
          for (let i = 0; i < MESSAGES_OF_MANY; i++) server.store.account(user).deliver(numbered(i))
          const accessToken = async () => {
            asked.set(user, (asked.get(user) ?? 0) + 1)
            return `token-${generation}`
          }
          const options = { host: '127.0.0.1', port: server.port, tls: 'none' as const, auth: { user, accessToken } }
          return { user, client: await ImapClient.connect(options) }
        },
      )
      // Everybody has a first batch in hand when the tokens of all end at once.
      let begun = 0
      let expire = () => {}
      const expired = new Promise<void>((resolve) => (expire = resolve))
      const ledgers = await Promise.all(
        clients.map(async ({ user, client }) => {
          const ledger = new Ledger('INBOX')
          let first = true
          await syncFully(client, ledger, { batchSize: MESSAGES_OF_MANY / 3, timeoutMs: MANY_TIMEOUT_MS }, async () => {
            if (!first) return
            first = false
            if (++begun === ACCOUNTS) {
              generation += 1
              server.server.expire({})
              expire()
            }
            await expired
          })
          client.close()
          return { user, ledger }
        }),
      )
      for (const { user, ledger } of ledgers) {
        expect(ledger.differences(stored(server.store.account(user).get('INBOX')))).toEqual([])
        expect(asked.get(user)).toBeLessThanOrEqual(MAX_TOKENS_ASKED)
      }
      await server.stop()
    },
    MANY_TIMEOUT_MS,
  )
})

interface Box {
  messages: ReadonlyArray<{ uid: number; flags: ReadonlySet<string>; content: { raw: Buffer } }>
}

/** What the simulator holds: there is nothing between it and the wire that could be wrong in the same way. */
function stored(box: Box | null): Map<number, Stored> {
  const rows = box?.messages ?? []
  return new Map(
    rows.map(({ uid, flags, content }) => [uid, { hash: hashOf(content.raw), flags: flagsOf([...flags]) }]),
  )
}

/** Fifty at a time. */
async function inTurns<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = []
  for (let at = 0; at < items.length; at += 50) results.push(...(await Promise.all(items.slice(at, at + 50).map(work))))
  return results
}
