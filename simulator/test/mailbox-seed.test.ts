import { createHash } from 'node:crypto'
import { crc32, inflateRawSync, inflateSync } from 'node:zlib'
import { type ParsedMail, simpleParser } from 'mailparser'
import { beforeAll, describe, expect, it } from 'vitest'
import { createStore, layouts, makeMails, seed } from '../mailbox/index.js'

/** The made-up mail, read by an independent parser. */

const NOW = new Date('2026-11-22T12:00:00Z')
const options = { count: 300, now: NOW }

type Made = ReturnType<typeof makeMails> extends Generator<infer M> ? M : never
let made: Made[]
let mails: ParsedMail[]

beforeAll(async () => {
  made = [...makeMails(options)]
  mails = []
  for (const { raw } of made) mails.push(await simpleParser(raw, { skipImageLinks: true }))
})

const digest = (list: Made[]) =>
  list
    .reduce(
      (hash, { raw, flags, internalDate, mailbox }) =>
        hash.update(raw).update(JSON.stringify([flags, internalDate, mailbox])),
      createHash('sha256'),
    )
    .digest('hex')

describe('the mailbox', () => {
  it('is the same for the same arguments', () => {
    expect(digest([...makeMails(options)])).toBe(digest(made))
    expect(digest([...makeMails({ ...options, seed: 2 })])).not.toBe(digest(made))
  })

  it('has as many mails as asked for, oldest first, of the last three months', () => {
    expect(made).toHaveLength(300)
    expect([...makeMails({ count: 7, now: NOW })]).toHaveLength(7)
    const dates = mails.map(({ date }) => date!.getTime())
    expect(dates).toEqual([...dates].sort((a, b) => a - b))
    expect(Math.min(...dates)).toBeGreaterThan(NOW.getTime() - 91 * 86_400_000)
    for (const { internalDate } of made) expect(internalDate.getTime()).toBeLessThanOrEqual(NOW.getTime())
  })

  it('is spread over mailboxes, read and unread', () => {
    const folders = new Set(made.map(({ mailbox }) => mailbox))
    expect(folders).toEqual(new Set(layouts.outlook.map(({ path }) => path)))
    const unseen = made.filter(({ flags }) => !flags.includes('\\Seen')).length
    expect(unseen).toBeGreaterThan(20)
    expect(unseen).toBeLessThan(150)
    for (const flag of ['\\Answered', '\\Flagged', '\\Draft', '$Forwarded'])
      expect(made.some(({ flags }) => flags.includes(flag))).toBe(true)
  })

  it('weighs what mail weighs', () => {
    const average = made.reduce((sum, { raw }) => sum + raw.length, 0) / made.length
    expect(average).toBeGreaterThan(6_000)
    expect(average).toBeLessThan(90_000)
  })
})

describe('the mails', () => {
  it('use many charsets, and each of them right', () => {
    const used = new Set(
      made.flatMap(({ raw }) => [...raw.toString('latin1').matchAll(/charset="([^"]+)"/g)].map(([, name]) => name)),
    )
    expect(used).toEqual(
      new Set(['us-ascii', 'utf-8', 'iso-8859-1', 'iso-2022-jp', 'shift_jis', 'gb18030', 'gbk', 'gb2312', 'big5']),
    )
    for (const { subject, text, html, from, attachments } of mails) {
      const all = [subject, text, html || '', from?.text, ...attachments.map(({ filename }) => filename)].join('\n')
      expect(all).not.toContain('\ufffd')
      expect(subject).not.toMatch(/\?\?|=\?/)
    }
    for (const word of ['よろしくお願いいたします', '报价单', '設計稿', 'Grüße', 'Best regards']) {
      expect(
        mails.some(({ text, subject }) => `${subject}${text}`.includes(word)),
        word,
      ).toBe(true)
    }
  })

  it('keep to the line lengths of RFC 5322, but where a charset is sent as 8-bit', () => {
    for (const { raw } of made) {
      const text = raw.toString('latin1')
      expect(text).not.toMatch(/[^\r]\n|\r[^\n]/)
      expect(text.endsWith('\r\n')).toBe(true)
      expect(Math.max(...text.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(998)
      expect(text.slice(0, text.indexOf('\r\n\r\n'))).toMatch(/^[\x00-\x7f]*$/) // eslint-disable-line no-control-regex
    }
  })

  it('keep encoded lines to 76 characters', () => {
    let checked = 0
    for (const { raw } of made) {
      for (const [, body] of raw
        .toString('latin1')
        .matchAll(/Encoding: (?:base64|quoted-printable)\r\n\r\n([^]*?)(?:\r\n--|$)/g)) {
        expect(Math.max(...body.split('\r\n').map(({ length }) => length))).toBeLessThanOrEqual(76)
        checked++
      }
    }
    expect(checked).toBeGreaterThan(200)
  })

  it('are from and to addresses that are nobody’s', () => {
    for (const { from, to } of mails) {
      for (const list of [from, to].flat())
        for (const { address } of list?.value ?? []) expect(address).toMatch(/\.example$/)
    }
  })

  it('have unique Message-IDs', () => {
    expect(new Set(mails.map(({ messageId }) => messageId)).size).toBe(300)
  })

  it('answer each other: References, In-Reply-To, Thread-Index, Sent Items', () => {
    const byId = new Map(mails.map((mail) => [mail.messageId, mail]))
    const answers = mails.filter(({ inReplyTo }) => inReplyTo !== undefined)
    expect(answers.length).toBeGreaterThan(30)
    let deep = 0
    for (const mail of answers) {
      const references = [mail.references ?? []].flat()
      expect(references.at(-1)).toBe(mail.inReplyTo)
      const original = byId.get(mail.inReplyTo)
      if (original === undefined) continue
      const index = (each: ParsedMail) => Buffer.from(String(each.headers.get('thread-index')), 'base64')
      expect(index(mail).subarray(0, -5).equals(index(original))).toBe(true)
      expect(original.date!.getTime()).toBeLessThan(mail.date!.getTime())
      deep = Math.max(deep, references.length)
    }
    expect(deep).toBeGreaterThan(3)
    const own = answers.filter((_, at) => made[mails.indexOf(answers[at])].mailbox === 'Sent Items')
    expect(own.length).toBeGreaterThan(5)
    for (const { from } of own) expect(from?.value[0].address).toBe('alex.kim@contoso.example')
  })

  it('carry files that are what they say', () => {
    const files = mails.flatMap(({ attachments }) => attachments)
    const kinds = (type: string) => files.filter(({ contentType }) => contentType === type)
    const [pdf, png, zip] = [
      kinds('application/pdf'),
      kinds('image/png'),
      [...kinds('application/zip'), ...files.filter(({ contentType }) => contentType.includes('spreadsheetml'))],
    ]
    for (const list of [pdf, png, zip]) expect(list.length).toBeGreaterThan(5)
    for (const { content } of pdf) {
      const text = content.toString('latin1')
      expect(text).toMatch(/^%PDF-1\.4\n[^]*%%EOF\n$/)
      expect(text.slice(Number(/startxref\n(\d+)/.exec(text)?.[1])).startsWith('xref')).toBe(true)
    }
    for (const { content } of png) {
      const width = content.readUInt32BE(16)
      const length = content.readUInt32BE(33)
      expect(content.readUInt32BE(41 + length)).toBe(crc32(content.subarray(37, 41 + length)))
      expect(inflateSync(content.subarray(41, 41 + length))).toHaveLength(width * (width * 3 + 1))
    }
    for (const { content } of zip) {
      const end = content.lastIndexOf('PK\x05\x06', undefined, 'latin1')
      const directory = content.readUInt32LE(end + 16)
      expect(content.toString('latin1', directory, directory + 4)).toBe('PK\x01\x02')
      const [packed, name] = [content.readUInt32LE(18), content.readUInt16LE(26)]
      expect(inflateRawSync(content.subarray(30 + name, 30 + name + packed))).toHaveLength(content.readUInt32LE(22))
    }
    expect(
      files.some(({ filename }) => filename === '請求書_2026年11月.pdf' || /[ぁ-んァ-ヶ一-龠]/.test(filename ?? '')),
    ).toBe(true)
  })

  it('show images by cid', () => {
    const inline = mails.filter(({ attachments }) => attachments.some(({ related }) => related))
    expect(inline.length).toBeGreaterThan(5)
    for (const { html, attachments } of inline) {
      const cid = attachments.find(({ related }) => related)?.cid
      expect(html).toContain(`src="cid:${cid}"`)
    }
  })

  it('invite to meetings', () => {
    const invitations = made.filter(({ raw }) => raw.includes('text/calendar'))
    expect(invitations.length).toBeGreaterThan(3)
    for (const { raw } of invitations) {
      expect(raw.toString('latin1')).toMatch(/Content-Type: text\/calendar; charset="utf-8"; method=REQUEST/)
      const encoded = /invite\.ics"[^]*?base64\r\n\r\n([^-]*)/.exec(raw.toString('latin1'))?.[1] ?? ''
      const calendar = Buffer.from(encoded, 'base64').toString('utf8')
      expect(calendar).toMatch(/^BEGIN:VCALENDAR\r\n[^]*METHOD:REQUEST[^]*ORGANIZER;CN=[^]*END:VCALENDAR$/)
      for (const line of calendar.split('\r\n')) expect(Buffer.byteLength(line)).toBeLessThanOrEqual(75)
    }
  })

  it('bounce (RFC 3464)', () => {
    const bounces = made.filter(({ raw }) => raw.includes('report-type=delivery-status'))
    expect(bounces.length).toBeGreaterThan(3)
    for (const { raw } of bounces) {
      const text = raw.toString('latin1')
      expect(text).toMatch(
        /Content-Type: message\/delivery-status\r\n\r\nReporting-MTA: dns; [^]*Final-Recipient: rfc822; \S+@gone\.example\r\n[^]*Action: failed\r\nStatus: 5\.1\.1/,
      )
      const original = /Content-Type: text\/rfc822-headers\r\n\r\n[^]*?Message-ID: (<[^>]+>)/.exec(text)?.[1]
      expect(mails.some(({ messageId }) => messageId === original)).toBe(true)
    }
  })

  it('are newsletters and forwarded mails, too', () => {
    expect(mails.filter(({ headers }) => headers.has('list')).length).toBeGreaterThan(10)
    expect(made.filter(({ raw }) => raw.includes('Content-Type: message/rfc822')).length).toBeGreaterThan(3)
  })
})

describe('seed', () => {
  it.each(Object.keys(layouts))('fills the layout %s', (layout) => {
    const store = createStore({ layout })
    const account = store.account('hanako.sato@contoso.example')
    expect(seed(store, account, { count: 80, now: NOW })).toBe(80)
    const mailboxes = account.list().filter((mailbox) => mailbox !== account.allMail)
    expect(mailboxes.reduce((sum, { messages }) => sum + messages.length, 0)).toBe(80)
    expect(account.bySpecialUse('\\Sent')?.messages.length).toBeGreaterThan(0)
    expect(account.get('INBOX')?.messages[0].content.raw.toString('latin1')).toContain(
      'Hanako Sato <hanako.sato@contoso.example>',
    )
  })

  it('takes a name that is not ASCII', async () => {
    const store = createStore()
    seed(store, '花子@contoso.example', { count: 40, now: NOW, name: '佐藤 花子' })
    for (const { content } of store.account('花子@contoso.example').get('INBOX')!.messages) {
      const { to, text } = await simpleParser(content.raw)
      expect([to].flat()[0]?.text).not.toContain('?')
      expect(text).not.toContain('??')
    }
  })
})
