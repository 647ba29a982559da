import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

import { buildMessage, forward, parseMessage, replyTo } from '../index'
import type { Address, AttachmentInit, MessageInit, SmtpClient } from '../index'
import { account, smtp } from './backends'

/*
 * Hundreds of made-up messages of every kind go through Postfix into Dovecot; Python's `email` reads them there. What it
 * finds is what was asked for.
 */

const COUNT = 320
const SEED = 20261122

const real = inject('backends').at(-1)!
const why =
  real.skippedSmtp ?? (spawnSync('python3', ['-c', 'import imaplib, email']).status === 0 ? null : 'no Python')
if (why !== null) console.log(`SKIPPED generated messages: ${why}`)

/** mulberry32: the same messages every time. */
function randomOf(seed: number) {
  const next = () => {
    seed = (seed + 0x6d2b79f5) | 0
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
  const below = (n: number) => Math.floor(next() * n)
  return { below, chance: (p: number) => next() < p, pick: <T>(items: readonly T[]) => items[below(items.length)] }
}

const SCRIPTS = [
  'The quick brown fox',
  'Zwölf Boxkämpfer jagen Viktor über den großen Sylter Deich',
  'Voix ambiguë d’un cœur qui, au zéphyr, préfère les jattes de kiwis',
  'Ξεσκεπάζω την ψυχοφθόρα βδελυγμία',
  'Съешь же ещё этих мягких французских булок',
  'דג סקרן שט בים מאוכזב',
  'نص حكيم له سر قاطع',
  'ऋषियों को सताने वाले दुष्ट राक्षसों',
  'เป็นมนุษย์สุดประเสริฐเลิศคุณค่า',
  '我能吞下玻璃而不伤身体',
  'いろはにほへと ちりぬるを',
  '키스의 고유조건은 입술끼리 만나야',
  'მინას ვჭამ და არა მტკივა',
  'யாமறிந்த மொழிகளிலே',
  'ጽሑፍ በአማርኛ',
  'ខ្ញុំអាចញុំកញ្ចក់បាន',
  'e\u0301 n\u0303 combining a\u0308',
  '👩‍👩‍👧‍👦 🇯🇵 🏳️‍🌈 family',
  '=?utf-8?q?not_an_encoded_word?=',
  'a "quoted", (commented) <name>; \\ backslash',
]

type Random = ReturnType<typeof randomOf>

function phrase(random: Random, words = 3): string {
  return Array.from({ length: words }, () => random.pick(SCRIPTS)).join(' ')
}

/** Without what a display name cannot keep at its ends. */
function name(random: Random): string {
  return random.pick(SCRIPTS)
}

function text(random: Random): string {
  const lines = Array.from({ length: 1 + random.below(12) }, () =>
    random.pick([
      () => phrase(random),
      () => '',
      () => '.',
      () => '..two dots',
      () => 'From the beginning',
      () => '-- ',
      () => 'trailing blanks   ',
      () => `--=_${'x'.repeat(20)}`,
      () => 'x'.repeat(1500),
      () => '\ttab=20and = signs',
    ])(),
  )
  return `${lines.join('\n')}\nend`
}

let dir: string
let files: Array<{ path: string; bytes: Buffer }>

function attachment(random: Random): { init: AttachmentInit; bytes: Buffer; type: string | null; filename: string } {
  const filename = `${random.pick([name(random).replace(/["\\/]/g, '_'), 'plain.bin', 'long '.repeat(30).trim()])}.${random.pick(['pdf', 'png', 'dat'])}`
  const contentType = random.pick([undefined, 'application/pdf', 'image/png', 'application/x-thing'])
  if (random.chance(0.3)) {
    const file = random.pick(files)
    return { init: { filename, contentType, path: file.path }, bytes: file.bytes, type: contentType ?? null, filename }
  }
  const bytes = Buffer.from(Array.from({ length: random.below(3000) }, () => random.below(256)))
  if (random.chance(0.2)) {
    const content = text(random)
    return {
      init: { filename, contentType: 'text/csv', content },
      bytes: Buffer.from(content),
      type: 'text/csv',
      filename,
    }
  }
  return { init: { filename, contentType, content: bytes }, bytes, type: contentType ?? null, filename }
}

interface Expected {
  init: MessageInit
  files: Array<ReturnType<typeof attachment> & { inline: boolean }>
}

function generated(random: Random, index: number, me: string): Expected {
  const others = (count: number): Address[] =>
    Array.from({ length: count }, (_, i) => ({
      name: random.chance(0.7) ? name(random) : null,
      address:
        `${random.pick(['a.b', 'x+y', "o'neil", '"quoted local"', 'user_1'])}${i}@${random.pick(['example.net', 'sub.example.org', 'bücher.example.net'])}`.replace(
          /"(\d+)@/,
          '$1"@',
        ),
    }))
  const blind = random.chance(0.2)
  const init: MessageInit = {
    from: { name: random.chance(0.8) ? name(random) : null, address: me },
    to: [...others(random.below(4)), ...(blind ? [] : [{ name: name(random), address: me }])],
    subject: random.pick([
      () => phrase(random),
      () => phrase(random, 30),
      () => 'x'.repeat(300),
      () => '',
      () => name(random),
    ])(),
    messageId: `<generated-${index}.${'y'.repeat(random.below(60))}@contoso.example>`,
    date: new Date(Date.UTC(2000 + random.below(30), random.below(12), 1 + random.below(28), 12, random.below(60), 7)),
  }
  if (blind) init.bcc = me
  if (random.chance(0.3)) init.cc = others(1 + random.below(20))
  if (random.chance(0.2)) init.sender = { name: name(random), address: me }
  if (random.chance(0.2)) init.replyTo = others(1 + random.below(2))
  if (random.chance(0.3)) {
    init.inReplyTo = '<parent@example.net>'
    init.references = Array.from(
      { length: 1 + random.below(20) },
      (_, i) => `<reference-${i}.${'z'.repeat(30)}@example.net>`,
    )
  }
  if (random.chance(0.2)) init.headers = { 'X-Text': phrase(random, 1 + random.below(10)) }
  if (random.chance(0.1)) init.priority = 'high'
  if (random.chance(0.1)) init.readReceiptTo = me
  const kind = index % 8
  if (kind !== 1) init.text = text(random)
  if (kind === 1 || kind === 2 || kind === 3 || kind === 6)
    init.html = `<p>${phrase(random, 20)}</p>\n<img src="cid:pic">`
  const found: Expected['files'] = []
  if (kind === 3 || kind === 6) {
    const picture = attachment(random)
    found.push({ ...picture, init: { ...picture.init, contentId: 'pic' }, inline: true })
  }
  if (kind >= 4 && kind <= 6) {
    for (let i = 0; i <= random.below(3); i++) found.push({ ...attachment(random), inline: false })
  }
  if (kind === 7) {
    const summary = name(random).replace(/[\\;,]/g, ' ')
    const content = `BEGIN:VCALENDAR\r\nVERSION:2.0\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:${index}\r\nSUMMARY:${summary}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n`
    init.invite = { method: 'REQUEST', content }
  }
  if (found.length > 0) init.attachments = found.map((file) => file.init)
  return { init, files: found }
}

/** An answer to a message, or it passed on. */
async function answered(random: Random, original: MessageInit, index: number, me: string): Promise<Expected> {
  const parsed = await parseMessage(await buildMessage({ ...original, bcc: undefined }), { attachments: 'content' })
  const own = { from: me, text: text(random) }
  const init = index % 2 === 0 ? replyTo(parsed, { ...own, all: true }) : forward(parsed, { ...own, to: me })
  const attachments = (init.attachments ?? []).map((one) => ({
    init: one,
    bytes: Buffer.from(one.content as Uint8Array),
    type: one.contentType ?? null,
    filename: one.filename ?? '',
    inline: one.contentId !== undefined,
  }))
  return { init: { ...init, bcc: me, messageId: `<answer-${index}@contoso.example>` }, files: attachments }
}

interface Read {
  text: string | null
  html: string | null
  calendar: { method: string; content: string } | null
  files: Array<{ filename: string; type: string; disposition: string; contentId: string | null; sha256: string }>
  defects: string[]
  longest: number
  date: number
  [field: string]: unknown
}

describe.skipIf(why !== null)(
  `generated messages by Postfix, Dovecot and Python${why === null ? '' : ` (${why})`}`,
  () => {
    const expected: Expected[] = []
    const read = new Map<string, Read>()
    let client: SmtpClient

    beforeAll(async () => {
      dir = mkdtempSync(join(tmpdir(), 'email-native-generated-'))
      const { user, password } = account(real, 'generated')
      const random = randomOf(SEED)
      files = [0, 1, 56, 57, 58, 70_000].map((size, i) => {
        const file = { path: join(dir, `${i} ${SCRIPTS[i]}.bin`), bytes: Buffer.alloc(size, i + 1) }
        writeFileSync(file.path, file.bytes)
        return file
      })
      for (let index = 0; index < COUNT - 40; index++) expected.push(generated(random, index, user))
      for (let index = 0; index < 40; index++) {
        expected.push(await answered(random, expected[random.below(COUNT - 40)].init, index, user))
      }

      client = await smtp(real, 'generated')
      const [some, others] = [expected.slice(0, COUNT / 2), expected.slice(COUNT / 2)]
      const bulk = async () => {
        for await (const { error, index } of client.sendMany(some.map(({ init }) => init))) {
          if (error !== null) throw new Error(`${index}: ${error.message}`)
        }
      }
      await Promise.all([bulk(), ...others.map(({ init }) => client.send(init))])

      writeFileSync(join(dir, 'ca.pem'), real.ca)
      const reader = join(__dirname, 'programs', 'read-mailbox.py')
      const args = [reader, String(real.imap.port), join(dir, 'ca.pem'), user, password, String(COUNT)]
      const { stdout, stderr, status } = spawnSync('python3', args, { encoding: 'utf8', maxBuffer: 2 ** 28 })
      expect(stderr).toBe('')
      expect(status).toBe(0)
      for (const line of stdout.trim().split('\n')) {
        const message = JSON.parse(line) as Read
        expect(read.has(message['message-id'] as string), 'twice').toBe(false)
        read.set(message['message-id'] as string, message)
      }
    }, 170_000)
    afterAll(async () => {
      await client?.close()
      rmSync(dir, { recursive: true, force: true })
    })

    test('every one arrived, once', () => {
      expect(read.size).toBe(COUNT)
    })

    test('people, subject, threading and dates are those that were given', () => {
      for (const { init } of expected) {
        const found = of(init)
        const shown = init.messageId
        for (const [field, given] of [
          ['from', init.from],
          ['sender', init.sender],
          ['reply-to', init.replyTo],
          ['to', init.to],
          ['cc', init.cc],
          ['bcc', undefined],
        ] as const) {
          expect(found[field], `${shown} ${field}`).toEqual(people(given))
        }
        expect(found.subject ?? '', shown).toBe(oneLine(init.subject ?? ''))
        expect(found['in-reply-to'] ?? undefined, shown).toBe(init.inReplyTo)
        expect(((found.references as string | null) ?? '').split(/\s+/).filter(Boolean), shown).toEqual(
          init.references ?? [],
        )
        if (init.date !== undefined) expect(found.date, shown).toBe(init.date.getTime() / 1000)
        expect(found['x-text'] ?? undefined, shown).toBe(init.headers?.['X-Text'])
        expect(found['x-priority'] !== null, shown).toBe(init.priority !== undefined)
        expect(found['disposition-notification-to'] !== null, shown).toBe(init.readReceiptTo !== undefined)
      }
    })

    test('texts are those that were given', () => {
      for (const { init } of expected) {
        const found = of(init)
        expect(lines(found.text), init.messageId).toBe(lines(init.text ?? null))
        expect(lines(found.html), init.messageId).toBe(lines(init.html ?? null))
        expect(lines(found.calendar?.content ?? null), init.messageId).toBe(lines(init.invite?.content ?? null))
        expect(found.calendar?.method, init.messageId).toBe(init.invite?.method)
      }
    })

    test('files are those that were given, octet for octet', () => {
      for (const { init, files } of expected) {
        const found = of(init)
          .files.map((file) => [file.filename, file.contentId, file.disposition, file.sha256])
          .sort()
        const given = files.map(({ bytes, filename, init: { contentId }, inline }) => [
          filename,
          contentId === undefined ? null : `<${contentId.replace(/^<|>$/g, '')}>`,
          inline && init.html !== undefined ? 'inline' : 'attachment',
          createHash('sha256').update(bytes).digest('hex'),
        ])
        expect(found, init.messageId).toEqual(given.sort())
        for (const { type, bytes } of files) {
          const sha256 = createHash('sha256').update(bytes).digest('hex')
          const types = of(init)
            .files.filter((file) => file.sha256 === sha256)
            .map((file) => file.type)
          if (type !== null) expect(types).toContain(type)
        }
      }
    })

    test('the parser has nothing to complain about, and no line is too long', () => {
      for (const [id, { defects, longest }] of read) {
        expect(defects, id).toEqual([])
        expect(longest, id).toBeLessThanOrEqual(998)
      }
    })

    function of(init: MessageInit): Read {
      const found = read.get(init.messageId!)
      if (found === undefined) throw new Error(`${init.messageId} did not arrive`)
      return found
    }
  },
)

function people(given: MessageInit['to']): string[][] {
  if (given === undefined) return []
  return (Array.isArray(given) ? given : [given]).map((one) => {
    const { name, address } = typeof one === 'string' ? { name: null, address: one } : one
    const at = address.lastIndexOf('@')
    return [name ?? '', `${address.slice(0, at)}@${new URL(`http://${address.slice(at + 1)}`).hostname}`]
  })
}

function oneLine(text: string): string {
  return text.trim()
}

/** However lines end; the last one's end is nobody's. */
function lines(text: string | null): string | null {
  return text === null ? null : text.replace(/\r\n/g, '\n').replace(/\n+$/, '')
}
