import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import type { MailError } from '../index'
import { account, onReal } from './backends'
import { failing } from './failing'
import { Filter } from './sync/filter'
import { Ledger } from './sync/ledger'
import { PASSWORD, startPlainServer } from './sync/plain-server'
import { RawClient, type Stored } from './sync/raw-client'
import { numbered, QUERY, syncFully } from './sync/recovering'
import { truthOf } from './sync/truth'

// All offsets: SYNC_CUT_STEP=1 npx vitest run __test__/sync-wire.test.ts

/** A prime, so that the cuts fall on every part of a line. */
const STEP = Number(process.env.SYNC_CUT_STEP ?? 211)
/** Cyrus takes longer to log in. */
const CYRUS_STEP = STEP * 3
const MESSAGES = 12
const TIMEOUT_MS = 60_000 + (1_200_000 / STEP) * 3
/** How long a half-open connection is waited for. */
const SILENCE_MS = 2500
/** More than is under way at any time. */
const HALF_OPEN_MESSAGES = 200

interface Target {
  port: number
  user: string
  password: string
}

const PATH = 'Cut'

/** A mailbox before and after changes, and what was stored before them. */
async function prepare(raw: RawClient, { port, user, password }: Target) {
  await raw.command(`DELETE "${PATH}"`)
  await raw.ok(`CREATE "${PATH}"`)
  for (let i = 1; i <= MESSAGES; i++) await raw.ok(`APPEND "${PATH}" (\\Seen)`, numbered(i))
  const before = new Ledger(PATH)
  const client = await ImapClient.connect({ host: '127.0.0.1', port, tls: 'none', auth: { user, password } })
  await syncFully(client, before)
  await client.logout()
  await raw.ok(`SELECT "${PATH}"`)
  await raw.ok('UID STORE 2,5 +FLAGS (\\Flagged)')
  await raw.ok('UID STORE 3,7:8 +FLAGS (\\Deleted)')
  await raw.ok('UID EXPUNGE 3,7:8')
  await raw.ok('UNSELECT')
  for (let i = 1; i <= 7; i++) await raw.ok(`APPEND "${PATH}"`, numbered(100 + i))
  const truth = await truthOf(raw, PATH)
  return { before, truth: truth as Map<number, Stored> }
}

function copyOf(ledger: Ledger | null): Ledger {
  const copy = new Ledger(PATH)
  if (ledger === null) return copy
  for (const [uid, row] of ledger.rows) copy.rows.set(uid, row)
  copy.cursor = ledger.cursor
  return copy
}

/** From connecting to the last batch, over connections that may be cut. */
async function session(filter: Filter, { user, password }: Target, ledger: Ledger): Promise<MailError[]> {
  const errors: MailError[] = []
  const options = { host: '127.0.0.1', port: filter.port, tls: 'none' as const, auth: { user, password } }
  const client = await ImapClient.connect(options).catch((error: MailError) => {
    expect(error.retryable, error.message).toBe(true)
    errors.push(error)
    return ImapClient.connect(options)
  })
  errors.push(...(await syncFully(client, ledger)))
  client.close()
  return errors
}

async function cutEverywhere(target: Target, filter: Filter, raw: RawClient, step = STEP): Promise<void> {
  const { before, truth } = await prepare(raw, target)
  for (const start of [null, before]) {
    const whole = filter.sent
    const uncut = copyOf(start)
    await session(filter, target, uncut)
    const length = filter.sent - whole
    expect(uncut.differences(truth)).toEqual([])
    let cuts = 0
    for (let offset = 1; offset < length; offset += step) {
      const ledger = copyOf(start)
      filter.cutAfter(offset)
      const errors = await session(filter, target, ledger).catch((error: Error) => {
        throw new Error(`cut after ${offset} of ${length} bytes: ${error.message}`, { cause: error })
      })
      expect(ledger.differences(truth), `cut after ${offset} of ${length} bytes`).toEqual([])
      if (!filter.cancelCut()) cuts += 1
      expect(errors.length).toBeLessThanOrEqual(2)
    }
    expect(cuts).toBeGreaterThan(length / step - 3)
  }
}

onReal('a sync is cut', (backend) => {
  test.each([
    ['as it is', []],
    ['with QRESYNC hidden', ['QRESYNC']],
    ['with CONDSTORE and QRESYNC hidden', ['QRESYNC', 'CONDSTORE']],
  ])(
    `by RST after every so many bytes, %s`,
    async (_how, hidden) => {
      const { user, password } = account(backend, 'faults')
      const { port } = backend.imapStarttls
      const filter = await Filter.start(port, hidden)
      const raw = await RawClient.open(port, user, password)
      const step = backend.name === 'Cyrus' ? CYRUS_STEP : STEP
      await cutEverywhere({ port, user, password }, filter, raw, step)
      expect(filter.trespasses).toEqual([])
      raw.close()
      await filter.stop()
    },
    TIMEOUT_MS,
  )
})

describe.each(['exchange', 'gmail'])('a sync on the simulator as %s', (personality) => {
  let server: Awaited<ReturnType<typeof startPlainServer>>
  let filter: Filter
  beforeAll(async () => {
    server = await startPlainServer(personality)
    filter = await Filter.start(server.port)
  })
  afterAll(async () => {
    await filter.stop()
    await server.stop()
  })

  test(
    `is cut by RST after every ${STEP}th byte`,
    async () => {
      const target = { port: server.port, user: 'cut@contoso.example', password: PASSWORD }
      const raw = await RawClient.open(server.port, target.user, PASSWORD)
      await cutEverywhere(target, filter, raw)
      raw.close()
    },
    TIMEOUT_MS,
  )

  test('half-open: the deadline passes, the next sync goes on over another connection', async () => {
    const user = 'half-open@contoso.example'
    for (let i = 1; i <= HALF_OPEN_MESSAGES; i++) server.store.account(user).deliver(numbered(i, 50_000))
    const auth = { user, password: PASSWORD }
    const client = await ImapClient.connect({ host: '127.0.0.1', port: filter.port, tls: 'none', auth })
    const ledger = new Ledger('INBOX')
    const silent = (async () => {
      for await (const batch of client.sync('INBOX', null, { ...QUERY, timeoutMs: SILENCE_MS })) {
        ledger.apply(batch)
        if (batch.added.length > 0) filter.freeze()
      }
    })()
    expect(await failing(silent)).toMatchObject({ code: 'TIMEOUT', retryable: true })
    expect(ledger.rows.size).toBeGreaterThan(0)
    expect(ledger.rows.size).toBeLessThan(HALF_OPEN_MESSAGES)
    expect(await syncFully(client, ledger)).toEqual([])
    const raw = await RawClient.open(server.port, user, PASSWORD)
    expect(ledger.differences((await truthOf(raw, 'INBOX')) ?? new Map())).toEqual([])
    raw.close()
    client.close()
  })
})
