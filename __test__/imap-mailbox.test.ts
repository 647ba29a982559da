import { randomBytes } from 'node:crypto'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { ImapClient } from '../index'
import { draftsOf, imap, lacks, mailOf, onEveryImap } from './backends'
import { all, failing } from './failing'

const UTF8 = ['MIME-Version: 1.0', 'Content-Type: text/plain; charset=utf-8', 'Content-Transfer-Encoding: 8bit']

onEveryImap('mailboxes, flags, append, search, download', (backend) => {
  let client: ImapClient
  beforeAll(async () => {
    client = await imap(backend, 'mailboxes')
  })
  afterAll(() => client?.logout())

  test('list with special use and status', async () => {
    const mailboxes = await client.list({ status: true })
    const inbox = mailboxes.find(({ path }) => path === 'INBOX')
    expect(inbox).toMatchObject({ specialUse: 'inbox', selectable: true, status: { uidValidity: expect.any(Number) } })
    for (const use of ['sent', 'drafts', 'trash', 'junk'] as const) {
      expect(mailboxes.map(({ specialUse }) => specialUse)).toContain(use)
    }
  })

  test('status of an unknown mailbox', async () => {
    expect(await failing(client.status('Nirgendwo'))).toMatchObject({ code: 'MAILBOX_NOT_FOUND', action: 'fix-input' })
  })

  test.each(['', 'a\r\nb', 'a\nb', 'a\0b'])('the mailbox name %j is refused', async (path) => {
    expect(await failing(client.status(path))).toMatchObject({ code: 'INVALID_MAILBOX_NAME', category: 'argument' })
  })

  test('append gives the UID, and the message is what was given', async () => {
    const mail = mailOf('Grüße 你好', 'Ein Text.')
    const internalDate = new Date('2026-10-05T12:00:00Z')
    const drafts = await draftsOf(client)
    const { uid, uidValidity } = await client.append(drafts, mail, {
      flags: ['\\Draft', '\\Seen', 'Work'],
      internalDate,
    })
    expect(uidValidity).toBe((await client.status(drafts)).uidValidity)
    const message = await client.fetchOne(drafts, uid!, { flags: true, source: true, internalDate: true })
    expect(message?.source?.equals(mail)).toBe(true)
    expect(message?.internalDate).toEqual(internalDate)
    const kept = lacks.keywords(backend) ? [] : ['Work']
    expect(message?.flags).toEqual(expect.arrayContaining(['\\Draft', '\\Seen', ...kept]))
  })

  test('an empty message is refused', async () => {
    expect(await failing(client.append('INBOX', new Uint8Array()))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('append to an unknown mailbox', async () => {
    expect(await failing(client.append('Nirgendwo', mailOf('x')))).toMatchObject({ code: 'MAILBOX_NOT_FOUND' })
  })

  test('flags: add, remove, set', async () => {
    const { uid } = await client.append('INBOX', mailOf('Flags'))
    const flags = async () =>
      (await client.fetchOne('INBOX', uid!, { flags: true }))?.flags?.filter((flag) => flag !== '\\Recent').sort()
    await client.addFlags('INBOX', uid!, ['\\Seen', '\\Flagged'])
    expect(await flags()).toEqual(['\\Flagged', '\\Seen'])
    await client.removeFlags('INBOX', [uid!], ['\\Flagged'])
    expect(await flags()).toEqual(['\\Seen'])
    await client.setFlags('INBOX', `${uid}`, ['\\Answered'])
    expect(await flags()).toEqual(['\\Answered'])
  })

  test.each([['a b'], ['a\r\nb'], ['a)b'], ['"x"'], ['']])('the flag %j is refused', async (flag) => {
    expect(await failing(client.addFlags('INBOX', '1:*', [flag]))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('search by every kind of key', async () => {
    const { uid } = await client.append(
      'INBOX',
      mailOf('Quartalsbericht =?utf-8?Q?Z=C3=BCrich?=', 'Umsätze und Erträge', ['X-Key: abc', ...UTF8]),
      {
        internalDate: new Date('2026-08-01T00:00:00Z'),
      },
    )
    const found = (query: object) => client.search('INBOX', query)
    expect(await found({ subject: 'Quartalsbericht' })).toEqual([uid])
    if (lacks.unicodeSearch(backend)) {
      expect(await failing(found({ subject: 'Zürich' }))).toMatchObject({ code: 'COMMAND_REJECTED' })
    } else {
      expect(await found({ subject: 'Zürich' })).toEqual([uid])
      expect(await found({ body: 'Erträge' })).toEqual([uid])
    }
    expect(await found({ header: { 'x-key': 'abc' } })).toEqual([uid])
    expect(await found({ before: new Date('2026-08-15T00:00:00Z') })).toEqual([uid])
    expect(await found({ since: new Date('2026-08-15T00:00:00Z') })).not.toContain(uid)
    expect(await found({ from: 'ada', subject: 'Quartals' })).toEqual([uid])
    expect(await found({ or: [{ subject: 'Quartalsbericht' }, { subject: 'nothing like it' }] })).toEqual([uid])
    expect(await found({ not: { subject: 'Quartalsbericht' } })).not.toContain(uid)
    expect(await found({ uid: uid!, seen: false, largerThan: 10, smallerThan: 1_000_000 })).toEqual([uid])
    expect(await found({ subject: 'there is no such subject' })).toEqual([])
  })

  test.each([
    { subject: 'a\r\nA1 LOGOUT' },
    { keyword: 'a b' },
    { header: { 'a: b': 'x' } },
    { since: new Date(Number.NaN) },
    { uid: '0' },
    { seen: 'yes' },
  ])('the query %j is refused', async (query) => {
    expect(await failing(client.search('INBOX', query as never))).toMatchObject({ category: 'argument' })
  })

  test('download: whole, one part decoded, and as on the wire', async () => {
    const content = randomBytes(300_000)
    const mail = withAttachment(content)
    const { uid } = await client.append('INBOX', mail)
    const bytes = async (options?: object) => Buffer.concat(await all(client.download('INBOX', uid!, options)))
    expect((await bytes()).equals(mail)).toBe(true)
    expect((await bytes({ part: '2' })).equals(content)).toBe(true)
    expect((await bytes({ part: '2', decode: false })).toString('latin1').replace(/\s/g, '')).toBe(
      content.toString('base64'),
    )
    expect((await bytes({ part: '1' })).toString()).toBe('caf\u00e9 = caffè\r\n')
  })

  test('download: nothing there, too large, nonsense', async () => {
    const { uid } = await client.append('INBOX', withAttachment(randomBytes(50_000)))
    expect(await failing(all(client.download('INBOX', 4_000_000)))).toMatchObject({ category: 'not-found' })
    expect(await failing(all(client.download('INBOX', uid!, { part: '7' })))).toMatchObject({ category: 'not-found' })
    expect(await failing(all(client.download('INBOX', uid!, { maxBytes: 1000 })))).toMatchObject({ category: 'limit' })
    expect(await failing(all(client.download('INBOX', uid!, { part: '1]\r\nA1 LOGOUT' })))).toMatchObject({
      category: 'argument',
    })
  })

  test('50 calls at once', async () => {
    const results = await Promise.all(
      Array.from({ length: 50 }, (_, i) => (i % 2 ? client.status('INBOX') : client.search('INBOX', { all: true }))),
    )
    expect(results).toHaveLength(50)
  })
})

function withAttachment(content: Buffer): Buffer {
  const lines = content.toString('base64').match(/.{1,76}/g)!
  return Buffer.from(
    [
      'From: ada@contoso.example',
      'Subject: With an attachment',
      'MIME-Version: 1.0',
      'Content-Type: multipart/mixed; boundary=b1',
      '',
      '--b1',
      'Content-Type: text/plain; charset=utf-8',
      'Content-Transfer-Encoding: quoted-printable',
      '',
      'caf=C3=A9 =3D caff=C3=A8',
      '',
      '--b1',
      'Content-Type: application/octet-stream; name=data.bin',
      'Content-Transfer-Encoding: base64',
      '',
      ...lines,
      '--b1--',
      '',
    ].join('\r\n'),
  )
}
