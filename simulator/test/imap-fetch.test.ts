import { EventEmitter } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Output } from '../imap/output.js'
import { mail, type Raw, simple, startPlain } from './imap-support'

let world: Awaited<ReturnType<typeof startPlain>>
let client: Raw

beforeEach(async () => {
  world = await startPlain()
})
afterEach(() => world.stop())

/** What a FETCH of one message answers, without `* n FETCH (` and `)`. */
async function fetch(items: string, sequence = 1): Promise<string> {
  const [line] = await client.ok(`FETCH ${sequence} ${items}`)
  return /^\* \d+ FETCH \(([^]*)\)$/.exec(line)?.[1] ?? line
}

const NESTED = mail(`From: Bob <bob@fabrikam.example>
Subject: nested
MIME-Version: 1.0
Content-Type: multipart/mixed; boundary=outer

preamble
--outer
Content-Type: multipart/alternative; boundary="in ner"

--in ner
Content-Type: text/plain; charset=utf-8
Content-Transfer-Encoding: quoted-printable

caf=C3=A9
--in ner
Content-Type: text/html

<p>
--outerX is no delimiter, nor is
this --outer
--in ner--
--outer
Content-Type: message/rfc822
Content-Description: inner

From: "Doe, J." <j@fabrikam.example>
To: Team: a@contoso.example, b@contoso.example;
Subject: inside
Content-Type: multipart/mixed; boundary=deep

--deep

deep text
--deep
Content-Type: application/pdf; name=a.pdf
Content-Transfer-Encoding: base64
Content-Disposition: attachment; filename=a.pdf

AAAA
BBBB
--deep--
--outer
Content-Type: image/png
Content-ID: <img@x>
Content-Language: en, de
Content-Location: http://x.example/y
Content-MD5: Q2hlY2s=
Content-Transfer-Encoding: base64

iVBO
--outer--
epilogue
`)

describe('BODYSTRUCTURE and ENVELOPE', () => {
  it('shows nested multiparts and the message within', async () => {
    world.account.deliver(NESTED)
    client = await world.raw()
    const charset = '("charset" "us-ascii")'
    const alternative = `(("text" "plain" ("charset" "utf-8") NIL NIL "quoted-printable" 9 0)("text" "html" ${charset} NIL NIL "7bit" 51 2) "alternative")`
    const doe = '("Doe, J." NIL "j" "fabrikam.example")'
    const group =
      '((NIL NIL "Team" NIL)(NIL NIL "a" "contoso.example")(NIL NIL "b" "contoso.example")(NIL NIL NIL NIL))'
    const envelope = `(NIL "inside" (${doe}) (${doe}) (${doe}) ${group} NIL NIL NIL NIL)`
    const inner = `(("text" "plain" ${charset} NIL NIL "7bit" 9 0)("application" "pdf" ("name" "a.pdf") NIL NIL "base64" 10) "mixed")`
    const size = inside(NESTED, 'From: "Doe', '\r\n--outer\r\nContent-Type: image')
    const lines = NESTED.toString('latin1', size.start, size.end).split('\n').length - 1
    const rfc822 = `("message" "rfc822" NIL NIL "inner" "7bit" ${size.end - size.start} ${envelope} ${inner} ${lines})`
    const image = '("image" "png" NIL "<img@x>" NIL "base64" 4)'
    expect(await fetch('BODY')).toBe(`BODY (${alternative}${rfc822}${image} "mixed")`)
    const structure = await fetch('BODYSTRUCTURE')
    expect(structure).toContain('"base64" 4 "Q2hlY2s=" NIL ("en" "de") "http://x.example/y")')
    expect(structure).toContain('"base64" 10 NIL ("attachment" ("filename" "a.pdf")) NIL NIL)')
    expect(structure).toMatch(/ "mixed" \("boundary" "outer"\) NIL NIL NIL\)$/)
  })

  it('shows a text without header as what RFC 2045 says it is', async () => {
    world.account.deliver(mail('Subject: x\n\none\ntwo\n'))
    client = await world.raw()
    expect(await fetch('BODYSTRUCTURE')).toBe(
      'BODYSTRUCTURE ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 10 2 NIL NIL NIL NIL)',
    )
  })

  it('shows digests, multiparts without parts, and missing ends', async () => {
    world.account.deliver(mail('Content-Type: multipart/digest; boundary=d\n\n--d\n\nSubject: one\n\nfirst\n--d--\n'))
    world.account.deliver(mail('Content-Type: multipart/mixed\n\nno boundary\n'))
    world.account.deliver(mail('Content-Type: multipart/mixed; boundary=b\n\n--b\n\nnever closed\n'))
    client = await world.raw()
    expect(await fetch('BODY', 1)).toBe(
      'BODY (("message" "rfc822" NIL NIL NIL "7bit" 21 (NIL "one" NIL NIL NIL NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0) 2) "digest")',
    )
    expect(await fetch('BODY', 2)).toBe('BODY (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0) "mixed")')
    expect(await fetch('BODY[1]', 2)).toBe('BODY[1] NIL FLAGS (\\Seen \\Recent)')
    expect(await fetch('BODY.PEEK[1]', 3)).toBe('BODY[1] {14}\r\nnever closed\r\n')
  })

  it('reads addresses as people write them', async () => {
    world.account.deliver(
      mail(`Date: Mon, 2 Nov 2026 10:00:00 +0100
From: "Quoted \\"Name\\", Inc." <q@x.example>, joe@x.example (Joe Doe)
Sender:
Reply-To: <@r1.example,@r2.example:u@h.example>
To: undisclosed-recipients:;
Cc: =?utf-8?B?44GC?= <a@x.example>, nobody
In-Reply-To: <a@x>
Message-ID: <m@x.example>
Subject: "quotes" and \\ back

`),
    )
    client = await world.raw()
    const from = '(("Quoted \\"Name\\", Inc." NIL "q" "x.example")("Joe Doe" NIL "joe" "x.example"))'
    expect(await fetch('ENVELOPE')).toBe(
      `ENVELOPE ("Mon, 2 Nov 2026 10:00:00 +0100" "\\"quotes\\" and \\\\ back" ${from} ${from} ((NIL "@r1.example,@r2.example" "u" "h.example")) ((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL)) (("=?utf-8?B?44GC?=" NIL "a" "x.example")(NIL NIL "nobody" "MISSING_DOMAIN")) NIL "<a@x>" "<m@x.example>")`,
    )
  })

  it('sends 8-bit strings as literals', async () => {
    world.account.deliver(Buffer.from('Subject: caf\xe9\r\n\r\n', 'latin1'))
    client = await world.raw()
    expect(await fetch('ENVELOPE')).toContain('(NIL {4}\r\ncaf\xe9 NIL')
  })

  it('survives a hundred levels and ten thousand parts', async () => {
    const levels = Array.from(
      { length: 300 },
      (_, n) => `Content-Type: multipart/mixed; boundary=b${n}\n\n--b${n}\n`,
    ).join('')
    world.account.deliver(mail(levels))
    world.account.deliver(mail(`Content-Type: multipart/mixed; boundary=b\n\n${'--b\n\nx\n'.repeat(12_000)}`))
    client = await world.raw()
    expect((await fetch('BODYSTRUCTURE', 1)).split('"mixed"').length).toBeGreaterThan(100)
    expect((await fetch('BODY', 2)).split('"plain"').length).toBeGreaterThan(9_000)
  })
})

describe('sections', () => {
  beforeEach(async () => {
    world.account.deliver(NESTED, { flags: ['\\Seen'] })
    client = await world.raw()
  })

  it.each([
    ['BODY[1.1]', 'caf=C3=A9'],
    [
      'BODY[1.1.MIME]',
      'Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n',
    ],
    ['BODY[2.1]', 'deep text'],
    ['BODY[2.2]', 'AAAA\r\nBBBB'],
    ['BODY[2.MIME]', 'Content-Type: message/rfc822\r\nContent-Description: inner\r\n\r\n'],
    ['BODY[2.HEADER.FIELDS (Subject)]', 'Subject: inside\r\n\r\n'],
    ['BODY[3]', 'iVBO'],
    ['BODY[HEADER.FIELDS (subject X-None FROM)]', 'From: Bob <bob@fabrikam.example>\r\nSubject: nested\r\n\r\n'],
    ['BODY[HEADER.FIELDS.NOT (Subject From MIME-Version)]', 'Content-Type: multipart/mixed; boundary=outer\r\n\r\n'],
    ['BODY[TEXT]<0.8>', 'preamble'],
    ['BODY[]<6.3>', 'Bob'],
    ['BODY[1.1]<7.100>', 'A9'],
    ['BODY[1.1]<100.5>', ''],
    ['BINARY[1.1]', Buffer.from('café').toString('latin1')],
    ['BINARY[2.2]<0.3>', '~\0\0\0'],
  ])('%s', async (section, wanted) => {
    const label = section.replace(/<(\d+)\.\d+>/, '<$1>')
    const binary = wanted.startsWith('~')
    const bytes = binary ? wanted.slice(1) : wanted
    expect(await fetch(section)).toBe(`${label} ${binary ? '~' : ''}{${bytes.length}}\r\n${bytes}`)
  })

  it('starts and ends the inner message exactly', async () => {
    const { start, end } = inside(NESTED, 'From: "Doe', '\r\n--outer\r\nContent-Type: image')
    const message = NESTED.toString('latin1', start, end)
    const header = message.slice(0, message.indexOf('\r\n\r\n') + 4)
    const text = message.slice(header.length)
    expect(await fetch('BODY[2]')).toBe(`BODY[2] {${message.length}}\r\n${message}`)
    expect(await fetch('BODY[2.HEADER]')).toBe(`BODY[2.HEADER] {${header.length}}\r\n${header}`)
    expect(await fetch('BODY[2.TEXT]')).toBe(`BODY[2.TEXT] {${text.length}}\r\n${text}`)
  })

  it.each(['BODY[4]', 'BODY[1.3]', 'BODY[1.1.1]', 'BODY[3.1]', 'BODY[1.HEADER]', 'BODY[3.TEXT]'])(
    '%s is not there: NIL',
    async (section) => {
      expect(await fetch(section)).toBe(`${section} NIL`)
    },
  )

  it.each([
    'BODY[0]',
    'BODY[1.]',
    'BODY[MIME]',
    'BODY[HEADER.FIELDS]',
    'BODY[1',
    'BODY[]<1>',
    'BODY[]<1.0>',
    'BINARY[TEXT]',
    'BODY.PEEK',
    'ENVELOPE[]',
    '()',
  ])('%s is no section', async (section) => {
    expect((await client.command(`FETCH 1 ${section}`)).status).toBe('BAD')
  })

  it('counts BINARY.SIZE decoded and refuses unknown encodings', async () => {
    expect(await fetch('BINARY.SIZE[1.1]')).toBe('BINARY.SIZE[1.1] 5')
    world.account.deliver(mail('Content-Transfer-Encoding: x-uuencode\n\nbegin\n'))
    await client.ok('NOOP')
    expect(await client.command('FETCH 2 BINARY[1]')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[UNKNOWN-CTE]'),
    })
  })

  it('does not decode a part, or leaves over it, when told to; encoded it is there', async () => {
    for (const name of ['two', 'three']) world.account.deliver(simple(name))
    await client.ok('NOOP')
    world.server.faults.set({ refuseBinary: [1], dropBinary: [2] })
    const refused = await client.command('FETCH 1 (BINARY.PEEK[1])')
    expect(refused).toMatchObject({ status: 'NO', text: expect.stringContaining('[UNKNOWN-CTE]') })
    expect(await client.ok('FETCH 1:3 (BODY.PEEK[1])')).toHaveLength(3)
    const left = await client.command('FETCH 2:3 (BINARY.PEEK[1])')
    expect(left).toMatchObject({ status: 'CLOSED', untagged: [expect.stringMatching(/^\* BYE /)] })
  })

  it('decodes as strictly as Dovecot', async () => {
    for (const [encoding, body] of [
      ['base64', 'SGVs*bG8='],
      ['base64', 'SGVsbG8=\n--\nsignature'],
      ['quoted-printable', 'bad =ZZ x'],
      ['quoted-printable', '=E4 =\ntrail  '],
      ['base64', 'SGVsbG8'],
    ]) {
      world.account.deliver(mail(`Content-Transfer-Encoding: ${encoding}\n\n${body}`))
    }
    await client.ok('NOOP')
    for (const message of [2, 3, 4]) {
      expect(await client.command(`FETCH ${message} BINARY[1]`)).toMatchObject({
        status: 'NO',
        text: expect.stringContaining('[PARSE]'),
      })
    }
    expect((await client.command('FETCH 5 BINARY.PEEK[1]')).untagged.join()).toContain('{7}\r\n\xe4 trail')
    const left = await client.command('FETCH 6 BINARY[1]')
    expect(left).toMatchObject({ status: 'CLOSED' })
    expect(left.untagged.at(-1)).toMatch(/^\* BYE /)
  })

  it('answers the items of RFC 822 and the macros', async () => {
    const raw = NESTED.toString('latin1')
    const header = raw.slice(0, raw.indexOf('\r\n\r\n') + 4)
    expect(await fetch('RFC822.HEADER')).toBe(`RFC822.HEADER {${header.length}}\r\n${header}`)
    expect(await fetch('RFC822.TEXT')).toBe(
      `RFC822.TEXT {${raw.length - header.length}}\r\n${raw.slice(header.length)}`,
    )
    expect(await fetch('RFC822')).toBe(`RFC822 {${raw.length}}\r\n${raw}`)
    expect(await fetch('FAST')).toMatch(
      /^FLAGS \(\\Seen \\Recent\) INTERNALDATE "[ \d]\d-\w{3}-\d{4} \d\d:\d\d:\d\d \+0000" RFC822.SIZE \d+$/,
    )
    expect(await fetch('ALL')).toMatch(/ ENVELOPE \(/)
    expect(await fetch('FULL')).toMatch(/ BODY \(/)
  })

  it('gives the ids of RFC 8474', async () => {
    expect(await fetch('(EMAILID THREADID)')).toMatch(/^EMAILID \(M[0-9a-f]+\) THREADID \(T[0-9a-f]+\)$/)
  })
})

describe('\\Seen', () => {
  it('is set by BODY[] and told in the same response, not by PEEK, not in EXAMINE', async () => {
    world.account.deliver(simple('one'))
    client = await world.raw()
    expect(await fetch('BODY.PEEK[TEXT]')).not.toContain('FLAGS')
    expect(await fetch('RFC822.SIZE')).not.toContain('FLAGS')
    expect(await fetch('BODY[TEXT]')).toMatch(/ FLAGS \(\\Seen \\Recent\)$/)
    expect(await fetch('BODY[TEXT]')).not.toContain('FLAGS')
    world.account.deliver(simple('two'))
    await client.ok('EXAMINE INBOX')
    expect(await fetch('BODY[TEXT]', 2)).not.toContain('FLAGS')
    expect(world.account.get('INBOX')?.messages[1].flags.size).toBe(0)
  })
})

describe('sets', () => {
  beforeEach(async () => {
    for (let n = 0; n < 6; n++) world.account.deliver(simple(String(n)))
    world.account.remove(world.account.get('INBOX')!, [world.account.get('INBOX')!.messages[2]])
    client = await world.raw()
  })

  it.each([
    ['FETCH 1:2 UID', [1, 2]],
    ['FETCH 2:1 UID', [1, 2]],
    ['FETCH * UID', [6]],
    ['FETCH 4:* UID', [5, 6]],
    ['FETCH 5,1,5 UID', [1, 6]],
    ['UID FETCH 3 UID', []],
    ['UID FETCH 2:4 UID', [2, 4]],
    ['UID FETCH 100:* UID', [6]],
    ['UID FETCH 100 UID', []],
    ['UID FETCH 1:4294967295 UID', [1, 2, 4, 5, 6]],
  ])('%s', async (command, wanted) => {
    const lines = await client.ok(command)
    expect(lines.map((line) => Number(/UID (\d+)/.exec(line)?.[1]))).toEqual(wanted)
  })

  it.each([
    'FETCH 6 UID',
    'FETCH 1:6 UID',
    'FETCH 0:2 UID',
    'FETCH 4294967296 UID',
    'FETCH 1,,2 UID',
    'FETCH 1:2:3 UID',
    'FETCH -1 UID',
  ])('%s is BAD', async (command) => {
    expect((await client.command(command)).status).toBe('BAD')
  })

  it('always tells the UID in UID FETCH', async () => {
    expect(await client.ok('UID FETCH 1 FLAGS')).toEqual(['* 1 FETCH (UID 1 FLAGS (\\Recent))'])
    expect(await client.ok('UID FETCH 1 (FLAGS UID)')).toEqual(['* 1 FETCH (FLAGS (\\Recent) UID 1)'])
  })
})

describe('big messages', () => {
  it('go out as slices of the stored bytes, each waiting for the reader', async () => {
    const written: Buffer[] = []
    const sink = Object.assign(new EventEmitter(), {
      destroyed: false,
      destroy() {},
      write: (chunk: Buffer) => written.push(chunk) < 0,
    })
    const out = new Output({ sink, wire: () => ({ cutAfter: null, slow: null, halfOpen: false }) })
    const big = Buffer.alloc(25 * 1024 * 1024, 'x')
    out.text('* 1 FETCH (BODY[] {26214400}\r\n')
    out.bytes(big)
    out.line(')')
    const done = out.drain()
    for (let turn = 1; turn <= 3; turn++) {
      await new Promise(setImmediate)
      expect(written).toHaveLength(turn)
      sink.emit('drain')
    }
    const timer = setInterval(() => sink.emit('drain'), 0)
    await done
    clearInterval(timer)
    expect(written[2].buffer).toBe(big.buffer)
    expect(Buffer.concat(written).length).toBe(big.length + '* 1 FETCH (BODY[] {26214400}\r\n)\r\n'.length)
  })

  it('arrive whole', async () => {
    const big = Buffer.concat([Buffer.from('Subject: big\r\n\r\n'), Buffer.alloc(25 * 1024 * 1024, 'abc\r\n')])
    world.account.deliver(big)
    const flow = world.flow()
    await flow.connect()
    await flow.mailboxOpen('INBOX')
    const message = await flow.fetchOne('1', { source: true })
    expect(message && message.source?.equals(big)).toBe(true)
    await flow.logout()
  })
})

/** Where what starts with `from` and ends before `to` lies. */
function inside(raw: Buffer, from: string, to: string) {
  return { start: raw.indexOf(from), end: raw.indexOf(to) }
}
