import { createRequire } from 'node:module'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import type { SyncBatch, SyncOptions } from '../index'
import { imap, mailOf, onImap } from './backends'
import { all, failing } from './failing'

const { startMailWorld }: typeof import('@nocobase/email-native-simulator') = createRequire(import.meta.url)(
  '@nocobase/email-native-simulator',
)

/** What a caller has stored: applied as a plugin would, and strict about it. */
class Store {
  readonly messages = new Map<number, { subject: string | null; flags: string }>()
  cursor: string | null = null
  batches: SyncBatch[] = []

  apply(batch: SyncBatch): void {
    if (batch.reset) this.messages.clear()
    for (const { uid, envelope, flags } of batch.added) {
      expect(this.messages.has(uid), `UID ${uid} came twice`).toBe(false)
      this.messages.set(uid, { subject: envelope?.subject ?? null, flags: sorted(flags ?? []) })
    }
    for (const { uid, flags } of batch.flags) {
      const message = this.messages.get(uid)
      expect(message, `flags of the unknown UID ${uid}`).toBeDefined()
      expect(message!.flags, `the flags of UID ${uid} are no news`).not.toBe(sorted(flags))
      message!.flags = sorted(flags)
    }
    for (const uid of batch.vanished) expect(this.messages.delete(uid), `UID ${uid} was unknown`).toBe(true)
    this.cursor = batch.cursor
    this.batches.push(batch)
  }
}

async function run(store: Store, client: ImapClient, path: string, options?: SyncOptions): Promise<SyncBatch[]> {
  const batches: SyncBatch[] = []
  for await (const batch of client.sync(path, store.cursor, options)) {
    store.apply(batch)
    batches.push(batch)
  }
  expect(batches.length).toBeGreaterThan(0)
  return batches
}

async function expectSame(store: Store, client: ImapClient, path: string): Promise<void> {
  const there = await all(client.fetch(path, '1:*', { flags: true, envelope: true }))
  const server = there.map(({ uid, flags, envelope }) => [
    uid,
    { subject: envelope!.subject, flags: sorted(flags!.filter((flag) => flag !== '\\Recent')) },
  ])
  expect([...store.messages].sort(([a], [b]) => a - b)).toEqual(server)
}

function sorted(flags: string[]): string {
  return [...flags].sort().join(' ')
}

/** Opens clients of one server. `keyword` is a flag that it keeps. */
interface Place {
  open(name: string): Promise<ImapClient>
  close(): Promise<void>
  keyword: string
}

onImap('sync', (backend) => {
  suite(async () => ({ open: (name) => imap(backend, name), close: async () => {}, keyword: '$Project' }))
})

// Without CONDSTORE; with CONDSTORE and labels, without QRESYNC; neither, and strict about ID.
describe.each(['exchange', 'gmail', 'netease'])('sync on the simulator as %s', (personality) => {
  suite(async () => {
    const accounts = ['sync', 'ben'].map((name) => ({ user: `${name}@contoso.example`, name, password: 'p' }))
    const world = await startMailWorld({ accounts, seed: 0, imap: { personality } })
    const { host, port, tls } = world.imap
    return {
      open: async (name) => {
        const user = `${name}@contoso.example`
        const auth = { user, accessToken: await world.issueToken(user) }
        return ImapClient.connect({ host, port, tls, ca: world.ca, auth })
      },
      close: () => world.stop(),
      keyword: personality === 'exchange' ? '$MDNSent' : '$Project',
    }
  })
})

function suite(start: () => Promise<Place>): void {
  let place: Place
  let client: ImapClient
  let other: ImapClient

  beforeAll(async () => {
    place = await start()
    client = await place.open('sync')
    other = await place.open('sync')
  })
  afterAll(async () => {
    await Promise.all([client?.logout(), other?.logout()])
    await place?.close()
  })

  async function filled(path: string, count: number): Promise<Store> {
    await other.create(path)
    for (let i = 0; i < count; i++) {
      await other.append(path, mailOf(`Mail ${i}`), {
        flags: i % 3 ? ['\\Seen'] : [],
        internalDate: new Date(Date.UTC(2026, 0, 1 + i)),
      })
    }
    return new Store()
  }

  test('an empty mailbox gives a cursor, too', async () => {
    const store = await filled('Empty', 0)
    const [batch] = await run(store, client, 'Empty')
    expect(batch).toMatchObject({ reset: false, added: [], flags: [], vanished: [], progress: { done: 0, total: 0 } })
    await other.append('Empty', mailOf('First'))
    await run(store, client, 'Empty')
    await expectSame(store, client, 'Empty')
  })

  test('first sync: newest first, in batches, with progress', async () => {
    const store = await filled('First', 25)
    const batches = await run(store, client, 'First', { batchSize: 10 })
    const added = batches.filter((batch) => batch.added.length > 0)
    expect(added.map((batch) => batch.added.length)).toEqual([10, 10, 5])
    const subjects = added.flatMap((batch) => batch.added.map(({ envelope }) => envelope!.subject))
    expect(subjects).toEqual(Array.from({ length: 25 }, (_, i) => `Mail ${24 - i}`))
    expect(added.map((batch) => batch.progress)).toEqual([10, 20, 25].map((done) => ({ done, total: 25 })))
    await expectSame(store, client, 'First')

    const cursor = store.cursor
    const again = await run(store, client, 'First')
    expect(again).toHaveLength(1)
    expect(again[0]).toMatchObject({ added: [], flags: [], vanished: [], cursor })
  })

  test('oldest first, and only since', async () => {
    const store = await filled('Since', 12)
    const since = new Date(Date.UTC(2026, 0, 8))
    const batches = await run(store, client, 'Since', { order: 'oldest-first', since, batchSize: 2 })
    const subjects = batches.flatMap((batch) => batch.added.map(({ envelope }) => envelope!.subject))
    expect(subjects).toEqual(['Mail 7', 'Mail 8', 'Mail 9', 'Mail 10', 'Mail 11'])
    expect(store.batches.at(-1)!.progress).toEqual({ done: 5, total: 5 })
    // Older ones stay out, whatever happens to them; what comes later is in, whatever its date.
    const [oldest] = await other.search('Since', { all: true })
    await other.addFlags('Since', oldest, ['\\Flagged'])
    await other.append('Since', mailOf('Moved here'), { internalDate: new Date(Date.UTC(2020, 0, 1)) })
    const later = await run(store, client, 'Since')
    expect(later.flatMap((batch) => batch.added.map(({ envelope }) => envelope!.subject))).toEqual(['Moved here'])
    expect(later.flatMap((batch) => batch.flags)).toEqual([])
  })

  test('everything that can happen between two syncs', async () => {
    const store = await filled('Changes', 30)
    await run(store, client, 'Changes', { batchSize: 7 })
    const uids = [...store.messages.keys()].sort((a, b) => a - b)
    await other.addFlags('Changes', uids.slice(0, 5), ['\\Flagged', place.keyword])
    await other.removeFlags('Changes', uids.slice(3, 8), ['\\Seen'])
    await other.delete('Changes', uids.slice(8, 12))
    await other.append('Changes', mailOf('New one'), { flags: ['\\Answered', place.keyword] })
    await run(store, client, 'Changes', { batchSize: 4 })
    await expectSame(store, client, 'Changes')
    await other.setFlags('Changes', uids.slice(0, 30), [])
    await other.delete('Changes', uids.slice(20))
    await run(store, client, 'Changes')
    await expectSame(store, client, 'Changes')
  })

  test('an interrupted first sync goes on, and misses nothing of what happened meanwhile', async () => {
    const store = await filled('Resume', 20)
    for await (const batch of client.sync('Resume', null, { batchSize: 6 })) {
      store.apply(batch)
      break
    }
    const known = [...store.messages.keys()]
    expect(known).toHaveLength(6)
    await other.addFlags('Resume', known[0], ['\\Flagged'])
    await other.delete('Resume', [known[1], known.at(-1)! - 1])
    await other.append('Resume', mailOf('Meanwhile'))
    await run(store, client, 'Resume', { batchSize: 6 })
    await expectSame(store, client, 'Resume')
  })

  test('a rebuilt mailbox is told, and synced anew', async () => {
    const store = await filled('Rebuilt', 5)
    await run(store, client, 'Rebuilt')
    await other.deleteMailbox('Rebuilt')
    await filled('Rebuilt', 3)
    const batches = await run(store, client, 'Rebuilt')
    expect(batches.map((batch) => batch.reset)).toEqual([true, ...batches.slice(1).map(() => false)])
    await expectSame(store, client, 'Rebuilt')
  })

  test('a foreign, broken or truncated cursor is refused, and nothing is synced wrongly', async () => {
    const store = await filled('Cursors', 3)
    await run(store, client, 'Cursors')
    const cursor = store.cursor!
    const refused = { code: 'INVALID_CURSOR', action: 'fix-input', category: 'argument' }
    for (const bad of ['', 'x', 'nonsense', cursor.slice(0, -1), cursor.slice(1), `${cursor}A`, '{}']) {
      expect(await failing(all(client.sync('Cursors', bad)))).toMatchObject(refused)
    }
    expect(await failing(all(client.sync('INBOX', cursor)))).toMatchObject(refused)
    const ben = await place.open('ben')
    expect(await failing(all(ben.sync('Cursors', cursor)))).toMatchObject(refused)
    await ben.logout()
    expect(await failing(all(client.sync('Cursors', 5 as never)))).toMatchObject({ category: 'argument' })
    await other.rename('Cursors', 'Renamed cursors')
    await run(store, client, 'Renamed cursors')
    await expectSame(store, client, 'Renamed cursors')
  })

  test.each([
    [{ batchSize: 0 }],
    [{ batchSize: 1.5 }],
    [{ order: 'random' }],
    [{ since: 'yesterday' }],
    [{ fetch: { nonsense: true } }],
    [{ unknown: 1 }],
  ])('the options %j are refused before anything is sent', async (options) => {
    expect(await failing(all(client.sync('INBOX', null, options as never)))).toMatchObject({ category: 'argument' })
  })

  test('a mailbox that is not there', async () => {
    expect(await failing(all(client.sync('Nowhere', null)))).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
  })

  test('any other call may be awaited inside the loop, and whole messages come', async () => {
    const store = await filled('Loop', 12)
    for await (const batch of client.sync('Loop', null, { batchSize: 5, fetch: { envelope: true, message: true } })) {
      store.apply(batch)
      for (const { uid, message, flags } of batch.added) {
        expect(message?.text).toContain('Hello.')
        expect(flags).toEqual(expect.any(Array))
        await client.addFlags('Loop', uid, ['\\Answered'])
      }
      await client.status('INBOX')
    }
    await run(store, client, 'Loop')
    await expectSame(store, client, 'Loop')
  })

  test('leaving the loop stops the work, an abort rejects, and the client stays usable', async () => {
    const store = await filled('Leaving', 9)
    for await (const _ of client.sync('Leaving', null, { batchSize: 2 })) break
    const abort = new AbortController()
    const error = await failing(async () => {
      for await (const batch of client.sync('Leaving', null, { batchSize: 2, signal: abort.signal })) {
        store.apply(batch)
        abort.abort()
      }
    })
    expect(error).toMatchObject({ code: 'ABORTED' })
    await run(store, client, 'Leaving')
    await expectSame(store, client, 'Leaving')
  })

  test('a mailbox that goes away is told, and the cursor is good when it comes back under another name', async () => {
    const store = await filled('Going', 4)
    await run(store, client, 'Going')
    await other.rename('Going', 'Gone elsewhere')
    expect(await failing(all(client.sync('Going', store.cursor)))).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
    await other.append('Gone elsewhere', mailOf('After the move'))
    await run(store, client, 'Gone elsewhere')
    await expectSame(store, client, 'Gone elsewhere')
  })
}
