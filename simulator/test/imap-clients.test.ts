import { once } from 'node:events'
import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { ImapFlow, MessageStructureObject } from 'imapflow'
import { startImapServer } from '../imap/index.js'
import { createStore, seed } from '../mailbox/index.js'
import { createAuthority } from '../tls/authority.js'
import { flow, simple, USER } from './imap-support'

/** An independent client judges the server: imapflow, over TLS, on the seeded mailbox. */

const NOW = new Date('2026-11-22T12:00:00Z')

let store: ReturnType<typeof createStore>
let server: Awaited<ReturnType<typeof startImapServer>>
let ca: string
const clients: ImapFlow[] = []

beforeAll(async () => {
  const authority = await createAuthority()
  ca = authority.certificate
  store = createStore()
  seed(store, USER, { count: 120, now: NOW })
  server = await startImapServer({
    store,
    tls: await authority.issue(),
    authenticate: async ({ user, password, token }) => {
      if (password !== 'secret' && token !== 'good') throw new Error('refused')
      return { user: user ?? USER }
    },
  })
})
afterAll(async () => {
  for (const client of clients) client.close()
  await server.stop()
})

async function connect(extra: Parameters<typeof flow>[1] = {}) {
  const client = flow(server, { secure: true, tls: { ca }, ...extra })
  clients.push(client)
  await client.connect()
  return client
}

describe('connecting', () => {
  it('by password and by token, with a challenge for a wrong one', async () => {
    const client = await connect({ auth: { user: USER, accessToken: 'good' } })
    expect(client.authenticated).toBeTruthy()
    await client.logout()
    const refused = connect({ auth: { user: USER, accessToken: 'dead' } })
    await expect(refused).rejects.toMatchObject({
      authenticationFailed: true,
      oauthError: expect.objectContaining({ status: '401' }),
    })
    await expect(connect({ auth: { user: USER, pass: 'wrong' } })).rejects.toMatchObject({ authenticationFailed: true })
  })

  it('through STARTTLS', async () => {
    const authority = await createAuthority()
    const clear = await startImapServer({
      store,
      tls: await authority.issue(),
      startTls: true,
      authenticate: async () => ({ user: USER }),
    })
    const client = flow(clear, { secure: false, doSTARTTLS: true, tls: { ca: authority.certificate } })
    await client.connect()
    expect(client.secureConnection).toBe(true)
    expect((await client.list()).map(({ path }) => path)).toContain('請求書')
    await client.logout()
    await clear.stop()
  })
})

describe('reading', () => {
  let client: ImapFlow
  beforeAll(async () => {
    client = await connect()
    await client.mailboxOpen('INBOX', { readOnly: true })
  })

  it('lists mailboxes with special uses and counts', async () => {
    const list = await client.list({ statusQuery: { messages: true, unseen: true } })
    const uses = Object.fromEntries(list.map(({ path, specialUse }) => [path, specialUse]))
    expect(uses).toMatchObject({
      INBOX: '\\Inbox',
      'Sent Items': '\\Sent',
      Drafts: '\\Drafts',
      'Deleted Items': '\\Trash',
      'Junk Email': '\\Junk',
      Archive: '\\Archive',
    })
    expect(uses).toHaveProperty(['R&D'])
    const sum = list.reduce((total, { status }) => total + (status?.messages ?? 0), 0)
    expect(sum).toBe(120)
  })

  it('fetches every message of the mailbox, byte for byte, with a structure that fits', async () => {
    const inbox = store.account(USER).get('INBOX')!
    let count = 0
    for await (const message of client.fetch('1:*', {
      envelope: true,
      bodyStructure: true,
      flags: true,
      internalDate: true,
      size: true,
      source: true,
    })) {
      const stored = inbox.find(message.uid)!
      const parsed = await simpleParser(stored.content.raw, { skipImageLinks: true, skipTextToHtml: true })
      expect(message.source?.equals(stored.content.raw)).toBe(true)
      expect(message.size).toBe(stored.content.size)
      expect(message.internalDate).toEqual(new Date(Math.floor(stored.content.internalDate.getTime() / 1000) * 1000))
      expect([...(message.flags ?? [])].filter((flag) => flag !== '\\Recent').sort()).toEqual([...stored.flags].sort())
      expect(message.envelope?.subject).toBe(parsed.subject)
      expect(message.envelope?.from?.[0]).toMatchObject({
        name: parsed.from?.value[0].name,
        address: parsed.from?.value[0].address,
      })
      expect(message.envelope?.messageId).toBe(parsed.messageId)
      const named = parsed.attachments.flatMap(({ filename }) => (filename === undefined ? [] : [filename]))
      expect(fileNames(message.bodyStructure)).toEqual(named)
      count++
    }
    expect(count).toBe(inbox.messages.length)
  })

  it('downloads parts decoded', async () => {
    const inbox = store.account(USER).get('INBOX')!
    let checked = 0
    for (const { uid, content } of inbox.messages) {
      const { attachments: files } = await simpleParser(content.raw)
      const pdf = files.find(({ contentType }) => contentType === 'application/pdf')
      if (pdf === undefined || !('partId' in pdf)) continue
      const { content: stream, meta } = await client.download(String(uid), String(pdf.partId), { uid: true })
      const chunks: Buffer[] = []
      for await (const chunk of stream) chunks.push(chunk)
      expect(Buffer.concat(chunks).equals(pdf.content)).toBe(true)
      expect(meta.filename).toBe(pdf.filename)
      if (++checked === 3) break
    }
    expect(checked).toBeGreaterThan(0)
  })

  it('searches', async () => {
    const inbox = store.account(USER).get('INBOX')!
    const unseen = inbox.messages.filter(({ flags }) => !flags.has('\\Seen')).map(({ uid }) => uid)
    expect(await client.search({ seen: false }, { uid: true })).toEqual(unseen)
    const from = await client.search({ from: 'aozora-shoji.example' }, { uid: true })
    expect(from && from.length).toBeGreaterThan(0)
    const body = await client.search({ body: 'よろしくお願いいたします' }, { uid: true })
    expect(body && body.length).toBeGreaterThan(0)
    expect(await client.search({ or: [{ seen: true }, { seen: false }], all: true }, { uid: true })).toHaveLength(
      inbox.messages.length,
    )
  })
})

describe('changing', () => {
  let client: ImapFlow
  const account = () => store.account(USER)
  beforeAll(async () => {
    client = await connect()
  })
  beforeEach(async () => {
    await client.mailboxOpen('INBOX')
    if (account().get('Work')) account().delete('Work')
    account().create('Work')
  })

  it('appends, flags, copies, moves, deletes', async () => {
    const appended = await client.append(
      'Work',
      simple('appended'),
      ['\\Seen', '$Label'],
      new Date('2026-01-02T03:04:05Z'),
    )
    expect(appended).toMatchObject({ uid: 1 })
    await client.mailboxOpen('Work')
    await client.messageFlagsAdd('1', ['\\Flagged'], { uid: true })
    await client.messageFlagsRemove('1', ['\\Seen'], { uid: true })
    expect([...account().get('Work')!.messages[0].flags].sort()).toEqual(['$Label', '\\Flagged'])
    const copied = await client.messageCopy('1', 'Archive', { uid: true })
    const copyUid = copied && copied.uidMap?.get(1)
    expect(
      account()
        .get('Archive')!
        .find(copyUid as number)
        ?.flags.has('\\Flagged'),
    ).toBe(true)
    const moved = await client.messageMove('1', 'Drafts', { uid: true })
    expect(moved && moved.uidMap?.size).toBe(1)
    expect(account().get('Work')!.messages).toHaveLength(0)
    await client.mailboxOpen('Archive')
    await client.messageDelete(String(copyUid), { uid: true })
    expect(
      account()
        .get('Archive')!
        .find(copyUid as number),
    ).toBeNull()
  })

  it('creates, renames, subscribes, deletes mailboxes with odd names', async () => {
    for (const path of ['Ümläut & Co', '日本語/子', 'a"b\\c', 'emoji 📬']) {
      expect(await client.mailboxCreate(path)).toMatchObject({ created: true })
      expect((await client.list()).map((each) => each.path)).toContain(path)
      await client.mailboxRename(path, `${path} 2`)
      await client.mailboxUnsubscribe(`${path} 2`)
      expect((await client.list()).find((each) => each.path === `${path} 2`)?.subscribed).toBeFalsy()
      await client.mailboxDelete(`${path} 2`)
      expect(account().get(`${path} 2`)).toBeNull()
    }
  })

  it('shows two clients each other’s changes', async () => {
    const other = await connect()
    await client.mailboxOpen('Work')
    await other.mailboxOpen('Work')
    const exists = once(client, 'exists')
    await other.append('Work', simple('shared'))
    await client.noop()
    expect((await exists)[0]).toMatchObject({ count: 1 })
    const flags = once(client, 'flags')
    await other.messageFlagsAdd('1', ['\\Answered'])
    await client.noop()
    expect([...(await flags)[0].flags]).toContain('\\Answered')
    const expunge = once(client, 'expunge')
    await other.messageMove('1', 'Archive')
    await client.noop()
    expect((await expunge)[0]).toMatchObject({ path: 'Work', seq: 1 })
    await other.logout()
  })

  it('wakes an idling client', async () => {
    await client.mailboxOpen('Work')
    const idle = client.idle()
    const exists = once(client, 'exists')
    while (!server.sessions().some(({ idling }) => idling)) await new Promise((resolve) => setTimeout(resolve, 5))
    account().deliver(simple('delivered'), { mailbox: 'Work' })
    expect((await exists)[0]).toMatchObject({ path: 'Work', count: 1 })
    await client.noop()
    await idle
  })
})

/** The files of a message, but not those of a message inside it. */
function fileNames(node: MessageStructureObject | undefined): string[] {
  if (node === undefined || node.type === 'message/rfc822') return []
  const name = node.dispositionParameters?.filename
  return [...(name === undefined ? [] : [name]), ...(node.childNodes ?? []).flatMap(fileNames)]
}
