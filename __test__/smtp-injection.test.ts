import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { SmtpClient, buildMessage } from '../index'
import type { MailError, MessageInit, SendOptions, SendResult } from '../index'
import { Recorder, type Recorded } from './recorder'

/*
 * Every string that a caller may pass, with everything that could end a line, a field, a path or a message: at a server
 * that writes down every octet there is no command and no header line more than for a harmless message, and the envelope
 * is what the header says.
 */

const FROM = 'ada@contoso.example'
const TO = 'ben@contoso.example'

let server: Recorder
let client: SmtpClient

beforeAll(async () => {
  server = await Recorder.start()
  client = await server.connect()
})
afterAll(async () => {
  await client.close()
  await server.stop()
})
afterEach(() => server.clear())

type Outcome = { sent: SendResult | null; error: MailError | null; message: Recorded | null }

async function attempt(message: unknown, options?: SendOptions): Promise<Outcome> {
  server.clear()
  try {
    const sent = await client.send(message as MessageInit, options)
    return { sent, error: null, message: server.messages[0] ?? null }
  } catch (error) {
    return { sent: null, error: error as MailError, message: server.messages[0] ?? null }
  }
}

/** Field names of the header, lower case, and the whole text. */
function headerOf(data: Buffer): { names: string[]; text: string; unfolded: Map<string, string> } {
  const text = data.toString('latin1').split('\r\n\r\n', 1)[0]
  const fields = text.replace(/\r\n[ \t]/g, ' ').split('\r\n')
  const pairs = fields.map((field) => [
    field.split(':', 1)[0].toLowerCase(),
    field.slice(field.indexOf(':') + 1).trim(),
  ])
  return { names: pairs.map(([name]) => name), text, unfolded: new Map(pairs as Array<[string, string]>) }
}

/** What one message may say to the server. */
const COMMAND = /^(MAIL FROM:<[^<>\r\n]*>( [A-Z0-9]+(=[!-~]+)?)*|RCPT TO:<[^<>\r\n]+>( [A-Z]+=[!-~]+)*|DATA|RSET)$/

const ENDS = ['\r\n', '\n', '\r', '\0', '\r\n.\r\n', '\n.\n', '\u2028', '\u0085', '\v', '\x01', '\r\n\r\n']
const EVIL = ENDS.map((end) => `a${end}Bcc: evil@evil.example${end}RCPT TO:<evil@evil.example>`)

type Field = [name: string, make: (evil: string) => Partial<MessageInit> & { headers?: unknown }, more?: number]

/** Header fields that each adds to those of a harmless message. */
const FIELDS: Field[] = [
  ['from name', (evil) => ({ from: { name: evil, address: FROM } })],
  ['from address', (evil) => ({ from: evil })],
  ['from object', (evil) => ({ from: { name: null, address: `${evil}@contoso.example` } })],
  ['sender', (evil) => ({ sender: { name: evil, address: FROM } }), 1],
  ['reply-to', (evil) => ({ replyTo: { name: evil, address: FROM } }), 1],
  ['to name', (evil) => ({ to: { name: evil, address: TO } })],
  ['to address', (evil) => ({ to: [`${evil}@contoso.example`] })],
  ['to list', (evil) => ({ to: `${TO}, ${evil}` })],
  ['group', (evil) => ({ to: [{ name: 'Ben', address: TO, group: evil }] })],
  ['cc', (evil) => ({ cc: { name: evil, address: TO } }), 1],
  ['bcc', (evil) => ({ bcc: { name: evil, address: TO } })],
  ['subject', (evil) => ({ subject: evil })],
  ['in-reply-to', (evil) => ({ inReplyTo: evil }), 1],
  ['references', (evil) => ({ references: ['<x@y>', evil] }), 1],
  ['message id', (evil) => ({ messageId: evil })],
  ['header name', (evil) => ({ headers: { [evil]: 'x' } }), 1],
  ['header value', (evil) => ({ headers: { 'X-A': evil } }), 1],
  ['header values', (evil) => ({ headers: { 'X-A': ['x', evil] } }), 2],
  ['read receipt', (evil) => ({ readReceiptTo: evil }), 1],
  ['priority', (evil) => ({ priority: evil as 'high' })],
  ['file name', (evil) => ({ attachments: [{ filename: evil, content: 'x' }] })],
  [
    'content type',
    (evil) => ({ attachments: [{ filename: 'a', contentType: `text/plain; x=${evil}`, content: 'x' }] }),
  ],
  ['content id', (evil) => ({ html: '<p>', attachments: [{ filename: 'a', contentId: evil, content: 'x' }] })],
  ['path', (evil) => ({ attachments: [{ path: `/tmp/${evil}` }] })],
  ['invite method', (evil) => ({ invite: { method: evil, content: 'BEGIN:VCALENDAR\r\nEND:VCALENDAR' } })],
  [
    'invite content',
    (evil) => ({ invite: { method: 'REQUEST', content: `BEGIN:VCALENDAR\nX:${evil}\nEND:VCALENDAR` } }),
  ],
  ['text', (evil) => ({ text: evil })],
  ['html', (evil) => ({ html: evil })],
]

describe('no command and no header line more', () => {
  let usual: string[]

  beforeAll(async () => {
    const { message } = await attempt({ from: FROM, to: TO, subject: 'x', text: 'x' })
    usual = headerOf(message!.data).names
  })

  test.each(FIELDS)('through the %s', async (_name, make, more = 0) => {
    for (const evil of EVIL) {
      const { sent, error, message } = await attempt({ from: FROM, to: TO, subject: 'x', text: 'x', ...make(evil) })
      const shown = JSON.stringify(evil)
      for (const command of server.commands) expect(command, shown).toMatch(COMMAND)
      if (error !== null) {
        expect(error.category, `${shown}: ${error.message}`).toBe('argument')
        expect(
          server.commands.filter((line) => line !== 'RSET'),
          shown,
        ).toEqual([])
        continue
      }
      const { names, text } = headerOf(message!.data)
      expect(names.length - usual.length, `${shown}\n${text}`).toBeLessThanOrEqual(more)
      expect(names, text).not.toContain('bcc')
      expect(text, shown).not.toMatch(/\r(?!\n)|(?<!\r)\n/)
      for (const control of ['\0', '\x01', '\v']) expect(text, shown).not.toContain(control)
      expect(message!.to.join(), shown).not.toContain('evil')
      expect(sent!.envelope.to, shown).toEqual(message!.to)
      expect(server.messages, shown).toHaveLength(1)
    }
  })

  test.each(EVIL.map((evil) => [JSON.stringify(evil), evil]))(
    'through the envelope of raw bytes: %s',
    async (_, evil) => {
      const raw = Buffer.from('Subject: x\r\n\r\nx')
      for (const envelope of [
        { from: evil, to: [TO] },
        { from: FROM, to: [evil] },
        { from: FROM, to: [TO, `${evil}@contoso.example`] },
        { from: `${FROM}> SIZE=1`, to: [TO] },
      ]) {
        const { error } = await attempt({ envelope, raw })
        expect(error).toMatchObject({ category: 'argument' })
        expect(server.commands).toEqual([])
      }
    },
  )

  test('through the DSN parameters', async () => {
    for (const evil of [...EVIL, 'ä', '', 'x'.repeat(101)]) {
      const { error } = await attempt({ from: FROM, to: TO, text: 'x' }, { dsn: { envid: evil } })
      expect(error, JSON.stringify(evil)).toMatchObject({ category: 'argument' })
      expect(server.commands).toEqual([])
    }
    const { message } = await attempt(
      { from: FROM, to: TO, text: 'x' },
      { dsn: { envid: 'a b+c=d NOTIFY=NEVER', ret: 'hdrs' } },
    )
    expect(message!.parameters).toMatch(/^SIZE=\d+ RET=HDRS ENVID=a\+20b\+2Bc\+3Dd\+20NOTIFY\+3DNEVER$/)
  })

  test('through the EHLO name, the user and the token', async () => {
    for (const evil of EVIL) {
      const before = server.connections
      for (const options of [
        { name: evil },
        { auth: { user: evil, password: 'x' } },
        { auth: { user: 'x', password: evil } },
        { auth: { user: 'x', accessToken: evil } },
      ]) {
        const harmless = !['\r', '\n', '\0', '\x01'].some((control) => evil.includes(control)) && !('name' in options)
        if (harmless) continue
        await expect(server.connect(options as object), JSON.stringify(options)).rejects.toMatchObject({
          category: 'argument',
        })
      }
      expect(server.connections).toBe(before)
    }
  })

  test('through bytes that the builder made', async () => {
    for (const evil of EVIL) {
      const raw = await buildMessage({ from: FROM, to: TO, text: evil }).catch(() => null)
      if (raw === null) continue
      await attempt({ envelope: { from: FROM, to: [TO] }, raw })
      expect(server.messages).toHaveLength(1)
      expect(server.commands).toEqual([
        `MAIL FROM:<${FROM}> SIZE=${server.messages[0].data.length}`,
        `RCPT TO:<${TO}>`,
        'DATA',
      ])
    }
  })
})

describe('smuggling', () => {
  const ENDINGS = [
    '\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r\n.\n',
    '\r\n.\r',
    '\r.\n',
    '\n.\r',
    '\r\n.\r\n',
    '\0\n.\n',
    '\r\r\n.\r\r\n',
    '.\r\n',
  ]

  test.each(ENDINGS.map((end) => [JSON.stringify(end), end]))(
    '%s ends no message early, for whatever reader',
    async (_, end) => {
      const text = `Subject: x\r\n\r\nfirst${end}MAIL FROM:<evil@evil.example>${end}RCPT TO:<evil@evil.example>${end}DATA${end}`
      for (const raw of [text, `${end}${text}`, text.replaceAll('\r\n', '\n')]) {
        const { sent, message } = await attempt({ envelope: { from: FROM, to: [TO] }, raw: Buffer.from(raw, 'latin1') })
        expect(server.messages).toHaveLength(1)
        // A worn-out connection says QUIT, its successor EHLO.
        expect(server.commands.filter((line) => !/^(QUIT|EHLO)/.test(line))).toHaveLength(3)
        const wire = message!.wire.toString('latin1')
        // No bare CR or LF, and no line that is a dot for a reader who takes one of them for a line's end.
        expect(wire).not.toMatch(/\r(?!\n)|(?<!\r)\n/)
        expect(wire.split(/\r\n|\r|\n/)).not.toContain('.')
        expect(message!.data.length).toBe(sent!.bytes)
      }
    },
  )
})

describe('the envelope is what the header says', () => {
  const LOCALS = ['"a@x b"', '"a\\"b"', '"a\\\\b"', 'a+b', "o'brien", '"a..b"', '"(x)"', '"a,b"', '"a;b"', '"a:b"']
  const GIVEN = [
    ...LOCALS.map((local) => `${local}@y.example`),
    'ben@münchen.example',
    'ben@xn--mnchen-3ya.example',
    'ben@例え.テスト',
    'BEN@Contoso.EXAMPLE',
    'ben@[192.0.2.1]',
    'Ben Example <ben@contoso.example>',
    '"Example, Ben" <ben@contoso.example>',
    '"ben@evil.example" <ben@contoso.example>',
    'ben@contoso.example (a comment)',
    'Ben (a <b@evil.example>) <ben@contoso.example>',
    '<ben@contoso.example>',
    'ben@contoso.example, kim@contoso.example',
    'Friends: ben@contoso.example, kim@contoso.example;',
    'Undisclosed recipients:;',
    'ben@con\u00ADtoso.example',
    'be\u00ADn@contoso.example',
    'ben@contoso\u3002example',
    'ben@ｃontoso.example',
    'ben@cont\u200Boso.example',
    'ben@contoso.example\u202E',
    'ben@ſample.example',
    'ben@ß.example',
    'ben@contoso.example@evil.example',
    '"ben"@contoso.example@evil.example',
    'ben@evil.example <ben@contoso.example>',
    '<ben@contoso.example> <evil@evil.example>',
    '@evil.example:ben@contoso.example',
    '<@evil.example:ben@contoso.example>',
    'ben@(comment)contoso.example',
    '"ben@contoso.example, evil"@evil.example',
    '=?utf-8?q?evil=40evil.example=2C?= <ben@contoso.example>',
    '=?utf-8?q?ben?=@contoso.example',
    'ben@=?utf-8?q?contoso?=.example',
    '用户@contoso.example',
  ]

  test.each(GIVEN.flatMap((given) => [['to', given] as const, ['cc', given] as const]))(
    '%s: %s',
    async (field, given) => {
      for (const address of [given, { name: null, address: given }, { name: 'X', address: given }]) {
        const base = field === 'to' ? {} : { to: 'kim@contoso.example' }
        const { sent, error, message } = await attempt({ from: FROM, text: 'x', ...base, [field]: address })
        if (error !== null) {
          expect(error.category, error.message).toBe('argument')
          expect(server.commands).toEqual([])
          continue
        }
        expect(sent!.envelope.to).toEqual(
          message!.to.map((one) => sent!.envelope.to.find((it) => sameMailbox(it, one)) ?? one),
        )
        const { unfolded } = headerOf(Buffer.from(message!.data.toString('utf8'), 'latin1'))
        const shown = addressesIn(message!.data, [field, 'to'])
        expect([...new Set(shown)].sort(), unfolded.get(field)).toEqual([...message!.to].map(wireForm).sort())
        expect(message!.to.join()).not.toContain('evil.example@')
      }
    },
  )

  test('and what is not ambiguous is sent', async () => {
    for (const given of GIVEN.slice(0, LOCALS.length + 8)) {
      const { error } = await attempt({ from: FROM, to: given, text: 'x' })
      expect(error?.message ?? null, given).toBeNull()
    }
  })

  test('from', async () => {
    for (const given of GIVEN.filter((one) => !one.includes(',') && !one.includes(';'))) {
      const { error, message } = await attempt({ from: given, to: TO, text: 'x' })
      if (error !== null) continue
      expect(addressesIn(message!.data, ['from']), given).toEqual([wireForm(message!.from)])
    }
  })
})

/** A mailbox as both envelope and header may spell it: domains in A-labels. */
function wireForm(address: string): string {
  const at = address.lastIndexOf('@')
  const domain = address.slice(at + 1)
  return `${address.slice(0, at)}@${domain.startsWith('[') ? domain : new URL(`http://${domain}`).hostname}`
}

function sameMailbox(a: string, b: string): boolean {
  return wireForm(a) === wireForm(b)
}

/** The mailboxes of address fields, by a reader of RFC 5322 that has nothing to do with the addon. */
function addressesIn(data: Buffer, fields: string[]): string[] {
  const header = data
    .toString('utf8')
    .split('\r\n\r\n', 1)[0]
    .replace(/\r\n[ \t]/g, ' ')
  const found: string[] = []
  for (const line of header.split('\r\n')) {
    const colon = line.indexOf(':')
    if (!fields.includes(line.slice(0, colon).toLowerCase())) continue
    let rest = line.slice(colon + 1)
    let text = ''
    while (rest !== '') {
      // Quoted strings stay whole; everything else goes character by character, comments away.
      const quoted = /^"(?:[^"\\]|\\.)*"/.exec(rest)?.[0]
      const comment = /^\((?:[^()\\]|\\.)*\)/.exec(rest)?.[0]
      if (quoted !== undefined)
        text += quoted.replace(/[,;:<>@]/g, (c) => String.fromCharCode(0xe000 + c.charCodeAt(0)))
      else if (comment === undefined) text += rest[0]
      rest = rest.slice((quoted ?? comment ?? rest[0]).length)
    }
    text = text.replace(/[^,;:<>]*:/g, '').replace(/;/g, ',')
    for (const part of text.split(',')) {
      const bare = (/<([^<>]*)>/.exec(part)?.[1] ?? part).trim()
      const address = bare.replace(/[\ue000-\ue0ff]/g, (c) => String.fromCharCode(c.charCodeAt(0) - 0xe000))
      if (address !== '') found.push(wireForm(address))
    }
  }
  return found
}
