import { createHash } from 'node:crypto'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { FetchedMessage, ImapClient } from '../index'
import { imap, mailOf, onEveryImap } from './backends'
import { all, failing } from './failing'

const COUNT = 250

onEveryImap('fetching', (backend) => {
  let client: ImapClient
  const sent = new Map<string, string>()

  beforeAll(async () => {
    client = await imap(backend, 'fetch')
    for (let i = 0; i < COUNT; i++) {
      const mail = mailOf(`Report ${i}`, `Line ${i}.\r\nMore.`, i % 2 ? ['X-Odd: yes'] : [])
      sent.set(`Report ${i}`, hash(mail))
      await client.append('INBOX', mail, {
        flags: i % 3 ? [] : ['\\Seen'],
        internalDate: new Date(Date.UTC(2026, 9, 1, 0, i)),
      })
    }
  })
  afterAll(() => client?.logout())

  test('everything of FetchQuery', async () => {
    const query = {
      flags: true,
      internalDate: true,
      size: true,
      envelope: true,
      bodyStructure: true,
      headers: true,
      source: true,
      message: true,
    }
    const [message] = await all(client.fetch('INBOX', { newest: 1 }, query))
    expect(message.envelope).toMatchObject({
      subject: `Report ${COUNT - 1}`,
      from: [{ name: 'Ada Example', address: 'ada@contoso.example' }],
      to: [{ name: 'Ben Example', address: 'ben@contoso.example' }],
      messageId: `<Report-${COUNT - 1}@contoso.example>`,
      inReplyTo: null,
      cc: [],
    })
    expect(message.envelope?.date).toEqual(new Date('2026-11-02T08:30:00Z'))
    expect(message.internalDate).toEqual(new Date(Date.UTC(2026, 9, 1, 0, COUNT - 1)))
    expect(message.bodyStructure).toMatchObject({ part: '1', type: 'text/plain', children: [] })
    expect(message.headers?.['x-odd']).toEqual(['yes'])
    expect(Object.getPrototypeOf(message.headers)).toBeNull()
    expect(Buffer.isBuffer(message.source)).toBe(true)
    expect(message.source?.length).toBe(message.size)
    expect(hash(message.source!)).toBe(sent.get(`Report ${COUNT - 1}`))
    expect(message.message).toMatchObject({ subject: `Report ${COUNT - 1}`, text: expect.stringContaining('More.') })
    expect(message.degraded).toBeNull()
  })

  test('where the header names neither sender nor reply address, both are the author, each in a list of its own', async () => {
    const [{ envelope }] = await all(client.fetch('INBOX', { newest: 1 }, { envelope: true }))
    const author = [{ name: 'Ada Example', address: 'ada@contoso.example' }]
    expect(envelope).toMatchObject({ from: author, sender: author, replyTo: author })
    envelope!.sender[0].address = 'changed@contoso.example'
    expect(envelope).toMatchObject({ from: author, replyTo: author })
  })

  test('what is not asked for is null', async () => {
    const [message] = await all(client.fetch('INBOX', { newest: 1 }, { flags: true }))
    expect(message).toMatchObject({
      flags: expect.any(Array),
      size: null,
      envelope: null,
      source: null,
      message: null,
      headers: null,
    })
  })

  test('all of them once, in order, whole', async () => {
    const seen = await all(client.fetch('INBOX', '1:*', { source: true, envelope: true }))
    expect(seen).toHaveLength(COUNT)
    expect(seen.map(({ uid }) => uid)).toEqual([...seen.map(({ uid }) => uid)].sort((a, b) => a - b))
    expect(new Set(seen.map(({ uid }) => uid)).size).toBe(COUNT)
    for (const { envelope, source } of seen) expect(hash(source!)).toBe(sent.get(envelope!.subject!))
  })

  test('fetching never marks as read', async () => {
    const before = await client.search('INBOX', { seen: false })
    await all(client.fetch('INBOX', '1:*', { source: true, headers: ['subject'], message: true }))
    expect(await client.search('INBOX', { seen: false })).toEqual(before)
  })

  test('named headers only', async () => {
    const [message] = await all(client.fetch('INBOX', { newest: 1 }, { headers: ['X-Odd', 'Subject'] }))
    expect(Object.keys(message.headers!).sort()).toEqual(['subject', 'x-odd'])
  })

  test('pages of the size that was asked for', async () => {
    const pages: FetchedMessage[][] = []
    for await (const page of client.fetch('INBOX', '1:*', { flags: true }).pages(60)) pages.push(page)
    expect(Math.max(...pages.map((page) => page.length))).toBeLessThanOrEqual(60)
    expect(pages.flat()).toHaveLength(COUNT)
  })

  test('any other call may be awaited inside the loop', async () => {
    let done = 0
    for await (const { uid } of client.fetch('INBOX', '1:*', { message: true })) {
      if (done++ % 50 === 0) {
        await client.addFlags('INBOX', uid, ['\\Flagged'])
        expect((await client.fetchOne('INBOX', uid, { flags: true }))?.flags).toContain('\\Flagged')
        expect(await client.status('INBOX')).toMatchObject({ messages: COUNT })
      }
    }
    expect(done).toBe(COUNT)
  })

  test('a nested loop over another mailbox works', async () => {
    let inner = 0
    for await (const _ of client.fetch('INBOX', { newest: 3 }, { flags: true })) {
      inner += (await all(client.fetch('INBOX', { newest: 2 }, { envelope: true }))).length
    }
    expect(inner).toBe(6)
  })

  test('break and throw leave the client usable', async () => {
    for await (const _ of client.fetch('INBOX', '1:*', { source: true })) break
    await expect(async () => {
      for await (const _ of client.fetch('INBOX', '1:*', { source: true })) throw new Error('mine')
    }).rejects.toThrow('mine')
    expect(await client.status('INBOX')).toMatchObject({ messages: COUNT })
  })

  test('an abort inside the loop rejects, and the client stays usable', async () => {
    const abort = new AbortController()
    let done = 0
    const error = await failing(async () => {
      for await (const _ of client.fetch('INBOX', '1:*', { source: true }, { signal: abort.signal })) {
        if (++done === 10) abort.abort()
      }
    })
    expect(error).toMatchObject({ code: 'ABORTED' })
    expect(await client.status('INBOX')).toMatchObject({ messages: COUNT })
  })

  test('a UID that is not there is null, not an error', async () => {
    expect(await client.fetchOne('INBOX', 4_000_000, { flags: true })).toBeNull()
    expect(await all(client.fetch('INBOX', [4_000_000], { flags: true }))).toEqual([])
    expect(await all(client.fetch('INBOX', '4000000:*', { flags: true }))).toEqual([])
  })

  test.each([
    0,
    -1,
    1.5,
    '',
    'abc',
    '1,,2',
    '0:5',
    '1:2:3',
    '*:x',
    '1\r\nA1 LOGOUT',
    [],
    { newest: 0 },
    { newest: -5 },
    null,
  ])('the UID set %j is refused before anything is sent', async (uids) => {
    const error = await failing(all(client.fetch('INBOX', uids as never, { flags: true })))
    expect(error).toMatchObject({ category: 'argument', action: 'fix-input' })
  })

  test('an unknown mailbox says so', async () => {
    const error = await failing(all(client.fetch('No such mailbox', '1:*', { flags: true })))
    expect(error).toMatchObject({
      code: 'MAILBOX_NOT_FOUND',
      category: 'not-found',
      scope: 'mailbox',
      protocol: 'imap',
    })
  })

  test('a stale uidValidity touches nothing', async () => {
    const { uidValidity } = await client.status('INBOX')
    const stale = { uidValidity: uidValidity + 1 }
    expect(await failing(all(client.fetch('INBOX', '1:*', { flags: true }, stale)))).toMatchObject({
      code: 'UIDVALIDITY_CHANGED',
    })
    expect(await failing(client.addFlags('INBOX', '1:*', ['\\Deleted'], stale))).toMatchObject({
      code: 'UIDVALIDITY_CHANGED',
    })
    expect(await client.search('INBOX', { deleted: true })).toEqual([])
    expect(await all(client.fetch('INBOX', { newest: 1 }, { flags: true }, { uidValidity }))).toHaveLength(1)
  })
})

function hash(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
