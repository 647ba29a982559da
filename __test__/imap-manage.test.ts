import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ImapClient } from '../index'
import { draftsOf, imap, mailOf, onEveryImap } from './backends'
import { failing } from './failing'

onEveryImap('managing mailboxes and moving messages', (backend) => {
  let client: ImapClient
  let other: ImapClient

  beforeAll(async () => {
    client = await imap(backend, 'manage')
    other = await imap(backend, 'manage')
    await client.create('Projekte & Pläne')
  })
  afterAll(async () => {
    await client?.logout()
    await other?.logout()
  })

  const paths = async () => (await client.list()).map(({ path }) => path)
  const subjects = async (path: string) => {
    const found: (string | null)[] = []
    for await (const { envelope } of client.fetch(path, '1:*', { envelope: true })) found.push(envelope!.subject)
    return found
  }

  test('create, rename, delete', async () => {
    await client.create('Alt/Kunden 顧客')
    expect(await paths()).toContain('Alt/Kunden 顧客')
    await client.rename('Alt/Kunden 顧客', 'Neu')
    expect(await paths()).toContain('Neu')
    await client.deleteMailbox('Neu')
    expect(await paths()).not.toContain('Neu')
  })

  test('what is there already, what is not there', async () => {
    expect(await failing(client.create('Projekte & Pläne'))).toMatchObject({
      code: 'MAILBOX_EXISTS',
      category: 'rejected',
    })
    expect(await failing(client.rename('Nirgendwo', 'X'))).toMatchObject({ category: 'not-found' })
    expect(await failing(client.deleteMailbox('Nirgendwo'))).toMatchObject({ category: 'not-found' })
  })

  test('copy and move tell the new UIDs', async () => {
    const { uid } = await client.append('INBOX', mailOf('Kopie'))
    const copied = await client.copy('INBOX', uid!, 'Projekte & Pläne')
    expect(copied.uids).toEqual([{ from: uid, to: expect.any(Number) }])
    expect(await subjects('Projekte & Pläne')).toEqual(['Kopie'])

    const moved = await client.move('Projekte & Pläne', copied.uids![0].to, 'INBOX')
    expect(await subjects('Projekte & Pläne')).toEqual([])
    expect((await client.fetchOne('INBOX', moved.uids![0].to, { envelope: true }))?.envelope?.subject).toBe('Kopie')
    expect(await failing(client.move('INBOX', uid!, 'Nirgendwo'))).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
  })

  test('delete removes these messages, and not those that somebody else marked', async () => {
    const mine = (await client.append('INBOX', mailOf('Mine'))).uid!
    const theirs = (await client.append('INBOX', mailOf('Theirs'), { flags: ['\\Deleted'] })).uid!
    await client.delete('INBOX', mine)
    expect(await client.fetchOne('INBOX', mine, { flags: true })).toBeNull()
    expect(await client.fetchOne('INBOX', theirs, { flags: true })).not.toBeNull()
  })

  test('replace stores the new draft, then removes the old one', async () => {
    const drafts = await draftsOf(client)
    const first = (await client.append(drafts, mailOf('Draft 1'), { flags: ['\\Draft'] })).uid!
    const second = await client.replace(drafts, first, mailOf('Draft 2'), { flags: ['\\Draft', '\\Seen'] })
    expect(await subjects(drafts)).toEqual(['Draft 2'])
    expect((await client.fetchOne(drafts, second.uid!, { flags: true }))?.flags).toContain('\\Draft')
  })

  test('watch tells of new mail, steps aside for other calls, and ends by leaving the loop', async () => {
    const watching = (async () => {
      for await (const event of client.watch('INBOX')) return event
    })()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(await client.status('INBOX')).toMatchObject({ messages: expect.any(Number) })
    await other.append('INBOX', mailOf('News'))
    // Without IDLE the next look is half a minute away, or behind the next call.
    if (!client.capabilities.includes('IDLE')) await client.status('INBOX')
    expect(await watching).toEqual({ path: 'INBOX', type: 'changed' })
    expect(await client.status('INBOX')).toMatchObject({ messages: expect.any(Number) })
  })

  test('watch: signal rejects, close ends', async () => {
    const abort = new AbortController()
    const aborted = failing(async () => {
      for await (const _ of client.watch('INBOX', { signal: abort.signal }));
    })
    setTimeout(() => abort.abort(), 200)
    expect(await aborted).toMatchObject({ code: 'ABORTED' })

    const third = await imap(backend, 'manage')
    const ended = (async () => {
      for await (const _ of third.watch('INBOX'));
      return 'ended'
    })()
    setTimeout(() => third.close(), 200)
    expect(await ended).toBe('ended')
  })
})
