import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, expect, test } from 'vitest'

import type { FetchedMessage, ImapClient, SmtpClient } from '../index'
import { account, imap, onSmtp, smtp } from './backends'
import { failing } from './failing'

const unreadable = () => {
  throw new TypeError('not to be read')
}

function givenAway(): Uint8Array {
  const bytes = new Uint8Array(100)
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] })
  return bytes
}

onSmtp('sending', (backend) => {
  const { user } = account(backend, 'send')
  let client: SmtpClient
  let inbox: ImapClient
  let dir: string

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'email-native-send-'))
    client = await smtp(backend, 'send')
    inbox = await imap(backend, 'send')
  })
  afterAll(async () => {
    await client?.close()
    await inbox?.logout()
    rmSync(dir, { recursive: true, force: true })
  })

  test('text, HTML, attachments from bytes and from a file, an inline image: all arrive', async () => {
    const file = join(dir, 'Übersicht 概要.bin')
    writeFileSync(file, Buffer.alloc(200_000, 7))
    const result = await client.send({
      from: { name: 'Dörte Sender', address: user },
      to: [user],
      subject: 'Grüße aus 東京',
      text: 'Hello\n.\n..leading dots\nend',
      html: '<p>Hello <img src="cid:logo"></p>',
      attachments: [
        { filename: 'a.txt', content: 'first' },
        { path: file },
        {
          filename: 'logo.png',
          contentType: 'image/png',
          contentId: 'logo',
          content: Buffer.from([0x89, 0x50, 0x4e, 0x47]),
        },
      ],
    })
    expect(result).toMatchObject({ accepted: [user], rejected: [], envelope: { from: user, to: [user] } })
    expect(result.messageId).toMatch(/^<.+@.+>$/)
    expect(result.bytes).toBeGreaterThan(200_000)

    const { message } = await arrived(inbox, result.messageId)
    expect(message?.subject).toBe('Grüße aus 東京')
    expect(message?.from).toEqual([{ name: 'Dörte Sender', address: user }])
    expect(message?.text?.replace(/\r\n/g, '\n').trimEnd()).toBe('Hello\n.\n..leading dots\nend')
    expect(message?.attachments.map(({ filename, size, inline }) => [filename, size, inline])).toEqual(
      expect.arrayContaining([
        ['a.txt', 5, false],
        ['Übersicht 概要.bin', 200_000, false],
        ['logo.png', 4, true],
      ]),
    )
    expect(
      message?.attachments
        .find(({ filename }) => filename.startsWith('Über'))
        ?.content?.equals(Buffer.alloc(200_000, 7)),
    ).toBe(true)
  })

  test('bcc reaches the envelope and never the message', async () => {
    const result = await client.send({
      from: user,
      to: user,
      bcc: account(backend, 'ben').user,
      subject: 'Blind',
      text: 'x',
    })
    expect(result.envelope.to).toEqual([user, account(backend, 'ben').user])
    const { source } = await arrived(inbox, result.messageId)
    expect(source?.toString()).not.toMatch(/^bcc:|ben@/im)
  })

  test('raw bytes go out as they are, line endings mended', async () => {
    const raw = Buffer.from(`From: ${user}\nSubject: Raw\nMessage-ID: <raw-1@contoso.example>\n\none\n.\ntwo\n`)
    const result = await client.send({ envelope: { from: user, to: [user] }, raw })
    expect(result.messageId).toBe('<raw-1@contoso.example>')
    const { source } = await arrived(inbox, result.messageId)
    expect(source?.toString()).toContain('\r\n\r\none\r\n.\r\ntwo\r\n')
  })

  test('a refused recipient does not lose the others', async () => {
    const nobody = 'nobody@contoso.example'
    const result = await client.send({ from: user, to: [user, nobody], subject: 'Partly', text: 'x' })
    expect(result.accepted).toEqual([user])
    expect(result.rejected).toMatchObject([
      { address: nobody, error: { code: 'RECIPIENT_REJECTED', category: 'rejected' } },
    ])
    expect(result.rejected[0].error).toBeInstanceOf(Error)
  })

  test('only refused recipients reject', async () => {
    const error = await failing(client.send({ from: user, to: 'nobody@contoso.example', subject: 'x', text: 'x' }))
    expect(error).toMatchObject({
      code: 'RECIPIENT_REJECTED',
      delivery: 'not-sent',
      protocol: 'smtp',
      scope: 'message',
    })
    await client.verify()
  })

  test('nobody to send to', async () => {
    expect(await failing(client.send({ from: user, subject: 'x', text: 'x' }))).toMatchObject({
      code: 'NO_RECIPIENTS',
      category: 'argument',
    })
  })

  test.each([
    ['to', { to: 'a@contoso.example\r\nRCPT TO:<evil@contoso.example>' }],
    ['from', { from: 'a@contoso.example>\r\nDATA' }],
    ['subject', { subject: 'x\r\nBcc: evil@contoso.example' }],
    ['header name', { headers: { 'X-A: b\r\nEvil': '1' } }],
    ['header value', { headers: { 'X-A': 'b\r\nEvil: 1' } }],
    ['message id', { messageId: '<a@b>\r\nEvil: 1' }],
    ['file name', { attachments: [{ filename: 'a\r\nEvil: 1', content: 'x' }] }],
    ['content id', { attachments: [{ filename: 'a', contentId: 'a>\r\nEvil: 1', content: 'x' }] }],
  ])('CR and LF in the %s are refused', async (_what, evil) => {
    const error = await failing(client.send({ from: user, to: user, subject: 'x', text: 'x', ...evil }))
    expect(error).toMatchObject({ category: 'argument', action: 'fix-input', delivery: 'not-sent' })
  })

  test('a file that is not there', async () => {
    const error = await failing(client.send({ from: user, to: user, attachments: [{ path: join(dir, 'gone.pdf') }] }))
    expect(error).toMatchObject({ code: 'FILE_UNREADABLE', category: 'argument' })
  })

  test.each([
    ['null', null],
    ['a function in it', { text: () => 'x' }],
    ['a getter that throws', Object.defineProperty({}, 'text', { enumerable: true, get: unreadable })],
    ['no recipient', {}],
    ['a bad address', { to: 'nobody at all' }],
    ['a missing file', { to: 'a@contoso.example', attachments: [{ path: '/nowhere/gone.pdf' }] }],
    ['a bad envelope', { envelope: { from: 'x y', to: ['a@contoso.example'] }, raw: Buffer.from('x') }],
    ['no time', { to: 'a@contoso.example' }, { timeoutMs: 0 }],
    ['a bad option', { to: 'a@contoso.example' }, { dsn: { notify: 7 } }],
    ['an abort', { to: 'a@contoso.example' }, { signal: AbortSignal.abort() }],
  ])('a message that never left says so: %s', async (_what, message, options = {}) => {
    const from = message === null ? null : Object.assign(message, { from: user })
    const error = await failing(client.send(from as never, options as never))
    expect(error.delivery).toBe('not-sent')
    expect(error.stack).toContain('smtp.test')
  })

  test.each<[string, (user: string) => object]>([
    ['no bytes', (user) => ({ envelope: { from: user, to: [user] }, raw: new Uint8Array() })],
    ['bytes that another thread was given', (user) => ({ envelope: { from: user, to: [user] }, raw: givenAway() })],
    [
      'an attachment that another thread was given',
      (user) => ({ from: user, to: user, attachments: [{ content: givenAway() }] }),
    ],
    ['a file that says it is empty', (user) => ({ from: user, to: user, attachments: [{ path: '/proc/version' }] })],
  ])('nothing empty goes out in place of %s', async (what, message) => {
    if (what.startsWith('a file') && process.platform !== 'linux') return
    const error = await failing(client.send(message(user) as never))
    expect(error).toMatchObject({ category: 'argument', action: 'fix-input', delivery: 'not-sent' })
    expect(error.message).toMatch(/^message\.raw: is empty|has lost its bytes|^attachments: cannot read/)
  })

  test('a message to a closed client never left', async () => {
    const closed = await smtp(backend, 'send')
    await closed.close()
    const error = await failing(closed.send({ from: user, to: user, text: 'x' }))
    expect(error).toMatchObject({ code: 'CLOSED', delivery: 'not-sent' })
  })

  test('by implicit TLS and by password', async () => {
    const { password } = account(backend, 'send')
    const other = await smtp(backend, 'send', { ...backend.smtps, auth: { user, password } })
    await other.verify()
    await other.close()
    await other.close()
    expect(await failing(other.verify())).toMatchObject({ code: 'CLOSED' })
  })

  test.each([true, 'binary'] as const)('chunking: %s, where the server takes it, else as ever', async (chunking) => {
    const other = await smtp(backend, 'send', { chunking })
    const content = Buffer.from(Array.from({ length: 300_000 }, (_, i) => (i * 7919) % 256))
    const result = await other.send({
      from: user,
      to: user,
      subject: 'Chunks',
      text: '.\n..\nend',
      attachments: [{ filename: 'a.bin', content }],
    })
    const { message } = await arrived(inbox, result.messageId)
    expect(message?.text?.replace(/\r\n/g, '\n').trimEnd()).toBe('.\n..\nend')
    expect(message?.attachments[0].content?.equals(content)).toBe(true)
    await other.close()
  })

  test('wrong password, expired token', async () => {
    const { expiredToken } = account(backend, 'bad')
    const badUser = account(backend, 'bad').user
    expect(await failing(smtp(backend, 'bad', { auth: { user: badUser, password: 'wrong' } }))).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      action: 'reauthorize',
      protocol: 'smtp',
    })
    expect(await failing(smtp(backend, 'bad', { auth: { user: badUser, accessToken: expiredToken } }))).toMatchObject({
      code: 'TOKEN_REFUSED',
      action: 'reauthorize',
    })
  })

  test('sendMany: one outcome a message, in order; a refused one stops nothing', async () => {
    const messages = [user, 'nobody@contoso.example', user].map((to, i) => ({
      from: user,
      to,
      subject: `Bulk ${i}`,
      text: 'x',
    }))
    const outcomes = []
    for await (const outcome of client.sendMany(messages)) outcomes.push(outcome)
    expect(outcomes.map(({ index, error }) => [index, error?.code ?? null])).toEqual([
      [0, null],
      [1, 'RECIPIENT_REJECTED'],
      [2, null],
    ])
  })
})

/** Delivery is not instant on a real server: asks until the message is there. */
async function arrived(inbox: ImapClient, messageId: string): Promise<FetchedMessage> {
  for (let tries = 0; tries < 100; tries++) {
    const [uid] = await inbox.search('INBOX', { header: { 'message-id': messageId } })
    if (uid !== undefined) {
      const query = { source: true, message: { attachments: 'content' as const } }
      return (await inbox.fetchOne('INBOX', uid, query))!
    }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${messageId} did not arrive`)
}
