import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import type { SyncBatch } from '../index'
import { failing } from './failing'
import { Ledger } from './sync/ledger'
import { PASSWORD, startPlainServer } from './sync/plain-server'
import { RawClient } from './sync/raw-client'
import { numbered, QUERY, syncFully } from './sync/recovering'
import { truthOf } from './sync/truth'

type Server = Awaited<ReturnType<typeof startPlainServer>>

/** A quarter of a second is long for a test and short for a person. */
const BACK_OFF_MS = 250

/** More than is asked for ahead: with so many, a sync is in the middle when its first batch is there. */
const MANY = 300

const PERSONALITIES = ['exchange', 'gmail', 'default']

describe.each(PERSONALITIES)('a sync on the simulator as %s', (personality) => {
  let server: Server
  let raw: RawClient
  let client: ImapClient
  let user = ''
  let serial = 0

  beforeAll(async () => {
    server = await startPlainServer(personality)
  })
  afterAll(() => server.stop())

  // One account a test: what a mailbox has been through stays with it, in the process's budget, too.
  beforeEach(async () => {
    user = `${personality}-${++serial}@contoso.example`
    client = await ImapClient.connect({
      ...{ host: '127.0.0.1', port: server.port, tls: 'none' },
      auth: { user, password: PASSWORD },
    })
    raw = await RawClient.open(server.port, user, PASSWORD)
    account().create('Box')
    deliver(20)
  })
  afterEach(() => {
    server.server.faults.clear()
    client.close()
    raw.close()
  })

  const account = () => server.store.account(user)
  const box = () => account().get('Box')
  function deliver(count: number, path = 'Box') {
    for (let i = 0; i < count; i++) account().deliver(numbered(i), { mailbox: path, flags: i % 2 ? ['\\Seen'] : [] })
  }

  async function expectEqual(ledger: Ledger): Promise<void> {
    expect(ledger.differences((await truthOf(raw, ledger.path)) ?? new Map())).toEqual([])
  }

  /** Does `event` after the first batch with messages, once. */
  function once(event: () => unknown): (batch: SyncBatch) => Promise<void> {
    let done = false
    return async ({ added }) => {
      if (done || added.length === 0) return
      done = true
      await event()
    }
  }

  async function synced(): Promise<Ledger> {
    const ledger = new Ledger('Box')
    await syncFully(client, ledger)
    await expectEqual(ledger)
    return ledger
  }

  test.each([
    ['higher', 1],
    ['lower', -1_000_000],
  ])('another UIDVALIDITY, %s, between two syncs: what is stored is dropped first', async (_which, by) => {
    const ledger = await synced()
    account().rebuild('Box', { uidValidity: box().uidValidity + by })
    deliver(3)
    await syncFully(client, ledger)
    expect(ledger.resets).toBe(1)
    await expectEqual(ledger)
  })

  test.each([
    ['higher', 1],
    ['lower', -1_000_000],
  ])('another UIDVALIDITY, %s, in mid-sync', async (_which, by) => {
    const ledger = new Ledger('Box')
    const rebuild = () => account().rebuild('Box', { uidValidity: box().uidValidity + by })
    await syncFully(client, ledger, {}, once(rebuild))
    await syncFully(client, ledger)
    expect(ledger.resets).toBeGreaterThan(0)
    await expectEqual(ledger)
  })

  test('a mailbox deleted between two syncs and in mid-sync is not found', async () => {
    const ledger = await synced()
    account().delete('Box')
    expect(await failing(syncFully(client, ledger))).toMatchObject({ code: 'MAILBOX_NOT_FOUND', scope: 'mailbox' })
    account().create('Box')
    deliver(20)
    await syncFully(client, ledger)
    expect(ledger.resets).toBe(1)
    await expectEqual(ledger)
    const second = new Ledger('Box')
    const gone = syncFully(
      client,
      second,
      {},
      once(() => account().delete('Box')),
    )
    expect(await failing(gone)).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
  })

  test('a mailbox renamed in mid-sync goes on under its new name', async () => {
    const ledger = new Ledger('Box')
    const rename = once(() => account().rename('Box', 'Renamed'))
    const error = await syncFully(client, ledger, {}, rename).then(
      () => null,
      (thrown) => thrown,
    )
    if (error !== null) expect(error).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
    expect(await failing(syncFully(client, ledger))).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
    const renamed = new Ledger('Renamed')
    await syncFully(client, renamed)
    await expectEqual(renamed)
  })

  test('a mailbox that becomes \\Noselect in mid-sync is not found', async () => {
    account().create('Box/Child')
    const ledger = new Ledger('Box')
    const gone = syncFully(
      client,
      ledger,
      {},
      once(() => account().delete('Box')),
    )
    expect(await failing(gone)).toMatchObject({ category: 'not-found' })
    expect(box().selectable).toBe(false)
  })

  test('expunged between the listing and the fetch: neither lost nor invented, and the rest comes', async () => {
    const ledger = new Ledger('Box')
    const remove = () =>
      account().remove(
        box(),
        box().messages.filter((_: unknown, index: number) => index % 3 === 0),
      )
    await syncFully(client, ledger, {}, once(remove))
    await syncFully(client, ledger)
    await expectEqual(ledger)
    account().remove(box(), [...box().messages])
    await syncFully(client, ledger)
    expect(ledger.rows.size).toBe(0)
  })

  test('new mail and new flags in mid-sync are not missed', async () => {
    const ledger = new Ledger('Box')
    const change = () => {
      deliver(7)
      account().changeFlags(box(), [...box().messages], 'add', ['\\Flagged'])
    }
    await syncFully(client, ledger, {}, once(change))
    await syncFully(client, ledger)
    await expectEqual(ledger)
    expect(ledger.rows.size).toBe(27)
  })

  test('HIGHESTMODSEQ missing, for a while and for good', async () => {
    const ledger = await synced()
    for (const noHighestModseq of [true, true, false, true]) {
      server.server.faults.set({ noHighestModseq })
      deliver(2)
      const [first, second, third] = box().messages
      account().changeFlags(box(), [first, second], 'add', ['\\Answered'])
      account().changeFlags(box(), [second], 'set', [])
      account().remove(box(), [third])
      await syncFully(client, ledger)
      await expectEqual(ledger)
    }
  })

  test('HIGHESTMODSEQ reset to a lower value, as after a restore', async () => {
    const ledger = await synced()
    for (let i = 0; i < 10; i++)
      account().changeFlags(box(), box().messages.slice(i), i % 2 ? 'add' : 'remove', ['\\Seen'])
    await syncFully(client, ledger)
    box().highestModseq = 2
    for (const message of box().messages) message.modseq = 2
    account().changeFlags(box(), box().messages.slice(3, 6), 'add', ['\\Flagged'])
    account().remove(box(), box().messages.slice(8, 10))
    box().expunged = []
    await syncFully(client, ledger)
    await expectEqual(ledger)
    account().changeFlags(box(), box().messages.slice(0, 2), 'add', ['\\Draft'])
    await syncFully(client, ledger)
    await expectEqual(ledger)
  })

  test.each([3, 1_000, -1, -7])('UIDNEXT that lies by %i', async (uidNextOffset) => {
    server.server.faults.set({ uidNextOffset })
    const ledger = await synced()
    deliver(4)
    await syncFully(client, ledger)
    await expectEqual(ledger)
    // It tells the truth for once, and lies again.
    for (const offset of [0, uidNextOffset]) {
      server.server.faults.set({ uidNextOffset: offset })
      deliver(1)
      account().remove(box(), [box().messages[0]])
      await syncFully(client, ledger)
      await expectEqual(ledger)
    }
  })

  test('UIDs given twice are given once', async () => {
    server.server.faults.set({ duplicateRows: true })
    const ledger = await synced()
    deliver(3)
    account().changeFlags(box(), box().messages.slice(0, 5), 'add', ['\\Flagged'])
    await syncFully(client, ledger)
    await expectEqual(ledger)
  })

  test.each([
    ['refuses', 'refuseFetch'],
    ['stumbles over', 'dropFetch'],
    ['gives without a body', 'emptyFetch'],
  ])('a poisoned message that the server %s is degraded, the rest comes, the cursor moves on', async (_how, fault) => {
    server.server.faults.set({ [fault]: [4, 11] })
    const ledger = new Ledger('Box')
    const degraded: number[] = []
    await syncFully(client, ledger, {}, ({ added }) => {
      for (const message of added) if (message.degraded !== null) degraded.push(message.uid)
    })
    expect(degraded.sort((a, b) => a - b)).toEqual([4, 11])
    expect(ledger.rows.size).toBe(20)
    const poisoned = ['another body of 4', 'another body of 11']
    expect(ledger.differences(await truthOfHealthy())).toEqual(poisoned)
    server.server.faults.set({ [fault]: [4, 11] })
    deliver(1)
    await syncFully(client, ledger)
    expect(ledger.rows.size).toBe(21)
    expect(ledger.differences(await truthOfHealthy())).toEqual(poisoned)
  })

  async function truthOfHealthy() {
    server.server.faults.clear()
    return (await truthOf(raw, 'Box')) ?? new Map()
  }

  test('throttled in mid-sync: goes on by itself or says how long to wait, and the cursor stays good', async () => {
    const ledger = new Ledger('Box')
    deliver(MANY)
    const throttle = { ms: BACK_OFF_MS, commands: ['FETCH', 'SEARCH'], times: 2 }
    const errors = await syncFully(
      client,
      ledger,
      {},
      once(() => server.server.faults.set({ throttle }, { user })),
    )
    for (const error of errors) {
      expect(error).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
      expect(error.retryAfterMs).toBeGreaterThan(0)
    }
    expect(throttle.times).toBe(0)
    await expectEqual(ledger)
  })

  test('throttled for longer than a job: rejects with retryAfterMs at once, what came before is kept', async () => {
    const ledger = new Ledger('Box')
    deliver(MANY)
    const throttle = { ms: 299_961, commands: ['FETCH', 'SEARCH'], bye: true }
    const work = syncFullyOnce(
      ledger,
      once(() => server.server.faults.set({ throttle }, { user })),
    )
    const error = await failing(work)
    expect(error).toMatchObject({ code: 'RATE_LIMITED', category: 'rate-limit', retryable: true })
    expect(error.retryAfterMs).toBeGreaterThan(200_000)
    expect(ledger.rows.size).toBeGreaterThanOrEqual(5)
    expect(ledger.cursor).not.toBeNull()
  })

  async function syncFullyOnce(ledger: Ledger, afterBatch: (batch: SyncBatch) => Promise<void>): Promise<void> {
    for await (const batch of client.sync(ledger.path, ledger.cursor, { ...QUERY, timeoutMs: 15_000 })) {
      ledger.apply(batch)
      await afterBatch(batch)
    }
  }

  test.each([
    ['with BYE', false],
    ['without', true],
  ])('a session that ends in mid-FETCH %s', async (_how, expireWithoutBye) => {
    const ledger = new Ledger('Box')
    server.server.faults.set({ expireAfterMessages: 2, expireWithoutBye })
    await syncFully(client, ledger)
    await expectEqual(ledger)
  })

  test('a cursor of another mailbox, of nobody, and a broken one are refused', async () => {
    const ledger = await synced()
    deliver(5, 'INBOX')
    const inbox = new Ledger('INBOX')
    inbox.cursor = ledger.cursor
    const foreign = await syncFully(client, inbox).then(
      () => null,
      (error) => error,
    )
    // Told apart by the name or by the UIDVALIDITY: never a wrong sync.
    if (foreign === null) expect(inbox.differences((await truthOf(raw, 'INBOX')) ?? new Map())).toEqual([])
    else expect(foreign).toMatchObject({ action: 'fix-input' })
    const good = ledger.cursor ?? ''
    const broken = ['', 'x', '{}', 'AAAA', good.slice(0, -1), good.slice(1), `${good}A`, good.slice(0, good.length / 2)]
    for (const cursor of broken) {
      ledger.cursor = cursor
      expect(await failing(syncFully(client, ledger)), cursor).toMatchObject({ action: 'fix-input' })
    }
    for (let at = 0; at < good.length; at += 3) {
      ledger.cursor = good.slice(0, at) + (good[at] === 'A' ? 'B' : 'A') + good.slice(at + 1)
      expect(await failing(syncFully(client, ledger)), `flipped at ${at}`).toMatchObject({ action: 'fix-input' })
    }
  })
})
