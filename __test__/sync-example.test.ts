import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import type { SyncBatch } from '../index'
import { openStore } from '../examples/mail-store.mjs'
import { syncAccount } from '../examples/sync-account.mjs'

const SEED = 60
const never = () => new AbortController().signal
const ALWAYS = new Date('1990-01-01')

/** The store of the example is copied into plugins: its promises are tested like those of the package. */
describe('the store of examples/sync-account.mjs', () => {
  let world: MailWorld
  let folder: string
  let store: ReturnType<typeof openStore>
  let imap: ImapClient

  beforeEach(async () => {
    world = await startMailWorld({ seed: SEED })
    folder = mkdtempSync(join(tmpdir(), 'sync-example-'))
    store = openStore(join(folder, 'mail.db'))
  })
  afterEach(async () => {
    imap.close()
    store.close()
    rmSync(folder, { recursive: true })
    await world.stop()
  })

  async function connect(google = false): Promise<string> {
    const user = google ? world.google.account.user : world.accounts[0].user
    const address = google ? world.google.endpoints.imap : world.imap
    const auth = { user, accessToken: () => world.issueToken(user) }
    imap = await ImapClient.connect({ ...address!, ca: world.ca, auth })
    return user
  }

  const counts = () => Object.fromEntries(store.counts().map(({ path, mails }: Row) => [path, mails]))
  const onServer = (user: string) => {
    const selectable = world
      .mailbox(user)
      .list()
      .filter((box) => (box as { selectable?: boolean }).selectable)
    return Object.fromEntries(selectable.map(({ path, messages }) => [path, messages.length]))
  }

  test('holds what the server holds: new mail, flags, moved and deleted mail, deleted and renamed mailboxes', async () => {
    const user = await connect()
    world.mailbox(user).create('Projects')
    world.mailbox(user).deliver(Buffer.from('Subject: A\r\n\r\na'), { mailbox: 'Projects' })
    expect(await syncAccount(imap, store, never(), ALWAYS)).toBe(true)
    expect(counts()).toEqual(onServer(user))
    expect(store.newest('INBOX', 1)[0]).toMatchObject({ subject: expect.any(String), preview: expect.any(String) })

    const [first, second, third] = world.mailbox(user).get('INBOX')!.messages
    await imap.addFlags('INBOX', first.uid, ['\\Flagged'])
    await imap.move('INBOX', second.uid, 'Archive')
    await imap.delete('INBOX', third.uid)
    await imap.rename('Projects', 'Old projects')
    await imap.deleteMailbox('R&D')
    world.mailbox(user).deliver(Buffer.from('Subject: Fresh\r\n\r\nJust arrived.'))
    expect(await syncAccount(imap, store, never(), ALWAYS)).toBe(true)
    expect(counts()).toEqual(onServer(user))
    expect(store.newest('INBOX', 1)[0]).toMatchObject({ subject: 'Fresh', preview: 'Just arrived.' })
  })

  test('goes on after jobs that ended too early, to the same end', async () => {
    const user = await connect()
    let jobs = 0
    while (!(await syncAccount(imap, store, AbortSignal.timeout(25 + jobs * 5), ALWAYS))) jobs += 1
    expect(counts()).toEqual(onServer(user))
  })

  test('applies a batch again without a change', async () => {
    await connect()
    const batches: SyncBatch[] = []
    for await (const batch of imap.sync('INBOX', null, { batchSize: 20 })) batches.push(batch)
    for (const batch of batches) store.apply('INBOX', batch)
    const once = JSON.stringify([store.counts(), store.newest('INBOX', SEED)])
    store.apply('INBOX', batches[batches.length - 1])
    expect(JSON.stringify([store.counts(), store.newest('INBOX', SEED)])).toBe(once)
    expect(batches.length).toBeGreaterThan(1)
  })

  test('drops what a rebuilt mailbox had', async () => {
    const user = await connect()
    await syncAccount(imap, store, never(), ALWAYS)
    const account = world.mailbox(user) as unknown as { rebuild(path: string): void }
    account.rebuild('INBOX')
    world.mailbox(user).deliver(Buffer.from('Subject: After\r\n\r\nthe fire'))
    await syncAccount(imap, store, never(), ALWAYS)
    expect(counts()).toEqual(onServer(user))
  })

  test('keeps a mail of Gmail once, wherever its labels put it', async () => {
    const user = await connect(true)
    expect(await syncAccount(imap, store, never(), ALWAYS)).toBe(true)
    expect(counts()).toEqual(onServer(user))
    const placed = Object.values(counts()).reduce((sum, count) => sum + count, 0)
    const mails = new Set(
      world
        .mailbox(user)
        .list()
        .flatMap(({ messages }) => messages.map(({ content }) => content)),
    )
    expect(placed).toBeGreaterThan(mails.size)
    expect(store.mails()).toBe(mails.size)
  })
})

interface Row {
  path: string
  mails: number
}
