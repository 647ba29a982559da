/** Bodies and files: texts in their charsets, every nesting that senders use, and some that they should not. */

import { encode } from './charsets'
import { base64, parameter, quotedPrintable, type NameForm } from './encoders'
import { hash, onWire, type Draft } from './messages'
import { SCRIPTS, WORDS } from './words'

const CRLF = Buffer.from('\r\n')

/** The message's body with the fields that describe it. */
export function root(draft: Draft): Buffer {
  const { random, features } = draft
  const shapes: Record<string, () => Buffer> = {
    text: () => text(draft),
    html: () => html(draft),
    alternative: () => alternative(draft),
    'alternative-related': () => multipart(draft, 'alternative', [text(draft), related(draft)]),
    related: () => related(draft),
    mixed: () => multipart(draft, 'mixed', [text(draft), ...files(draft)]),
    'mixed-alternative': () => multipart(draft, 'mixed', [alternative(draft), ...files(draft)]),
    'mixed-related': () => multipart(draft, 'mixed', [related(draft), ...files(draft)]),
    'mixed-mixed': () =>
      multipart(draft, 'mixed', [multipart(draft, 'mixed', [text(draft), ...files(draft)]), ...files(draft)]),
    'mixed-message': () => multipart(draft, 'mixed', [text(draft), message(draft)]),
    signed: () =>
      multipart(
        draft,
        'signed',
        [text(draft), signature(draft)],
        '; micalg=sha-256; protocol="application/pgp-signature"',
      ),
    calendar: () => multipart(draft, 'alternative', [text(draft), html(draft), calendar(draft)]),
    file: () => file(draft),
    'files-only': () => multipart(draft, 'mixed', files(draft)),
  }
  const shape = random.chance(0.4)
    ? random.pick(['text', 'html', 'alternative', 'mixed-alternative'])
    : random.pick(Object.keys(shapes))
  features.add(`shape:${shape}`)
  return shapes[shape]()
}

const alternative = (draft: Draft) => multipart(draft, 'alternative', [text(draft), html(draft)])

const related = (draft: Draft) => {
  const ids = Array.from(
    { length: draft.random.between(1, 2) },
    (_, n) => `image${n}.${draft.random.below(1e6)}@example.com`,
  )
  const page = html(draft, ids.map((id) => `<img src="cid:${id}">`).join(''))
  return multipart(draft, 'related', [page, ...ids.map((id) => file(draft, id))])
}

function files(draft: Draft): Buffer[] {
  return Array.from({ length: draft.random.between(1, 3) }, () => file(draft))
}

/** Lines of one script, and its name and charset. */
function prose(draft: Draft): { lines: string[]; charset: string } {
  const { random } = draft
  const script = draft.only?.script ?? (random.chance(0.3) ? 'english' : random.pick(Object.keys(SCRIPTS)))
  const { charsets, sentences } = SCRIPTS[script]
  const lines = Array.from({ length: random.between(1, 8) }, () => (random.chance(0.15) ? '' : random.pick(sentences)))
  return {
    lines: [random.pick(sentences.filter((s) => s.length > 4)), ...lines],
    charset: draft.only?.charset ?? random.pick(charsets),
  }
}

/** A text part: header and encoded body. */
function leaf(draft: Draft, type: string, text: string, charset: string, parameters: string): Buffer {
  const { random, features } = draft
  const octets = encode(text, charset)
  const plain = octets.every((octet) => octet < 128)
  const encodings = ['quoted-printable', 'base64', ...(charset === 'utf-16le' ? [] : [plain ? '7bit' : '8bit'])]
  const encoding = charset === 'utf-16le' ? 'base64' : random.pick(encodings)
  features.add(`charset:${charset}`)
  features.add(`encoding:${encoding}`)
  const label = random.pick([charset, charset.toUpperCase(), `"${charset}"`])
  const isLabelled = !(plain && charset === 'us-ascii' && random.chance(0.5))
  const spelt = random.pick([encoding, encoding, encoding.toUpperCase()])
  const head = `Content-Type: ${type}${isLabelled ? `; charset=${label}` : ''}${parameters}\r\nContent-Transfer-Encoding: ${spelt}\r\n\r\n`
  const body = { 'quoted-printable': quotedPrintable, base64: (o: Buffer) => base64(o) }[encoding]?.(octets) ?? octets
  return Buffer.concat([Buffer.from(head), Buffer.from(body as string)])
}

function text(draft: Draft): Buffer {
  const { random, features, truth } = draft
  const { lines, charset } = prose(draft)
  const first = truth.text === null
  features.add('text')
  if (random.chance(0.12) && charset !== 'iso-2022-jp') {
    features.add('flowed')
    const delsp = random.chance(0.3)
    if (delsp) features.add('flowed:delsp')
    const paragraphs = lines.filter((line) => /^[\w\u0080-\uffff]/.test(line) && !line.startsWith('From '))
    if (paragraphs.length === 0) paragraphs.push('Words')
    const soft = (line: string) =>
      [...line].map((c, n) => (n > 0 && n % 20 === 0 && /\S/.test(c) ? (delsp ? ` \r\n${c}` : c) : c)).join('')
    const wire = paragraphs
      .map((line) => (delsp ? soft(line) : line.replace(/ /g, (_, at: number) => (at % 3 === 0 ? ' \r\n' : ' '))))
      .join('\r\n')
    if (first) truth.text = paragraphs.join('\n')
    return leaf(draft, 'text/plain', `${wire}\r\n`, charset, `; format=flowed${delsp ? '; delsp=yes' : ''}`)
  }
  if (first) truth.text = lines.join('\n')
  return leaf(draft, 'text/plain', `${lines.join('\r\n')}\r\n`, charset, '')
}

function html(draft: Draft, extra = ''): Buffer {
  const { lines, charset } = prose(draft)
  const body = lines.map((line) => `<p>${line.replace(/&/g, '&amp;').replace(/</g, '&lt;')}</p>`).join('\r\n')
  const page = `<html><body>\r\n${body}${extra}\r\n</body></html>\r\n`
  // The generator draws the text of an alternative first: where there is none, the HTML is read as text.
  if (draft.truth.text === null) draft.features.add('text-from-html')
  draft.truth.text ??= lines.filter((line) => line !== '').join('\n\n')
  draft.truth.html = page.replace(/\r\n/g, '\n').trim()
  return leaf(draft, 'text/html', page, charset, '')
}

const TYPES = {
  pdf: 'application/pdf',
  png: 'image/png',
  zip: 'application/zip',
  csv: 'text/csv',
  bin: 'application/octet-stream',
}

/** A file; with `id` an image that the HTML shows. */
function file(draft: Draft, id?: string): Buffer {
  const { random, features, truth } = draft
  const extension = id ? 'png' : random.pick(Object.keys(TYPES) as Array<keyof typeof TYPES>)
  const script = random.chance(0.4)
    ? 'english'
    : random.pick(['german', 'russian', 'chinese', 'japanese', 'korean', 'emoji'])
  const stem =
    script === 'english'
      ? random.pick([...WORDS, 'two words', 'semi;colon', 'q"uote', 'dots.in.name'])
      : random.pick(SCRIPTS[script].names)
  const charset = random.pick(SCRIPTS[script].charsets.filter((c) => c !== 'us-ascii' && c !== 'iso-2022-jp'))
  const name = `${stem}.${extension}`
  const ascii = !/[^\x20-\x7e]/.test(name)
  const forms: NameForm[] = ascii
    ? /^[\w.]+$/.test(name)
      ? ['quoted', 'bare', 'extended', 'continued']
      : ['quoted', 'extended', 'continued']
    : ['extended', 'continued', 'encoded-word', 'raw']
  const form = random.pick(forms)
  features.add(`name:${form}`)
  if (/[";]/.test(name)) features.add('name:specials')
  const type = TYPES[extension]
  features.add(`file:${extension}`)
  const octets =
    extension === 'csv'
      ? Buffer.from('a,b\r\n1,2\r\n'.repeat(random.between(1, 20)))
      : random.bytes(random.between(0, 2_000))
  if (octets.length === 0) features.add('file:empty')
  const place = random.pick(['disposition', 'disposition', 'both', 'content-type'])
  features.add(`name:in-${place}`)
  const named = parameter('name', name, charset, form, random)
  const filed = parameter('filename', name, charset, form, random)
  const disposition = id ? 'inline' : 'attachment'
  const encoding = extension === 'csv' ? random.pick(['7bit', 'quoted-printable', 'base64']) : 'base64'
  const width = random.pick([76, 76, 60, 10_000])
  const body = {
    '7bit': (o: Buffer) => o.toString('latin1'),
    'quoted-printable': quotedPrintable,
    base64: (o: Buffer) => base64(o, width),
  }[encoding]!(octets)
  const head = [
    `Content-Type: ${type}${place === 'disposition' ? '' : named}`,
    `Content-Transfer-Encoding: ${encoding}`,
    ...(place === 'content-type' && random.chance(0.5)
      ? []
      : [`Content-Disposition: ${disposition}${place === 'content-type' ? '' : filed}`]),
    ...(id ? [`Content-ID: <${id}>`] : []),
  ]
  if (head.length === 2) features.add('file:no-disposition')
  const received = encoding === 'base64' ? octets : onWire(draft, octets)
  // A quotation mark cannot stand in a name on Windows.
  truth.attachments.push({ name: name.replaceAll('"', '_'), type, size: received.length, hash: hash(received) })
  return Buffer.from(`${head.join('\r\n')}\r\n\r\n${body}`)
}

/** A message inside: a file of its own, whatever it holds. */
function message(draft: Draft): Buffer {
  const { random, truth } = draft
  const subject = random.pick(SCRIPTS.english.subjects.slice(0, 1))
  const inner = Buffer.from(
    `From: ada@example.com\r\nSubject: ${subject}\r\nMessage-ID: <inner@example.com>\r\nContent-Type: text/plain\r\n\r\nInner words.\r\n`,
  )
  draft.features.add('message')
  const received = onWire(draft, inner)
  truth.attachments.push({
    name: `${subject}.eml`,
    type: 'message/rfc822',
    size: received.length,
    hash: hash(received),
  })
  return Buffer.concat([Buffer.from('Content-Type: message/rfc822\r\nContent-Disposition: attachment\r\n\r\n'), inner])
}

function signature(draft: Draft): Buffer {
  const octets = Buffer.from('-----BEGIN PGP SIGNATURE-----\r\n\r\niQ==\r\n-----END PGP SIGNATURE-----')
  const received = onWire(draft, octets)
  draft.truth.attachments.push({
    name: 'signature.asc',
    type: 'application/pgp-signature',
    size: received.length,
    hash: hash(received),
  })
  return Buffer.concat([Buffer.from('Content-Type: application/pgp-signature; name="signature.asc"\r\n\r\n'), octets])
}

/** A third reading of the same, not a file. */
function calendar(_draft: Draft): Buffer {
  return Buffer.from(
    'Content-Type: text/calendar; charset=utf-8; method=REQUEST\r\n\r\nBEGIN:VCALENDAR\r\nMETHOD:REQUEST\r\nBEGIN:VEVENT\r\nUID:u@example.com\r\nDTSTART:20260131T120000Z\r\nEND:VEVENT\r\nEND:VCALENDAR',
  )
}

function multipart(draft: Draft, subtype: string, parts: Buffer[], parameters = ''): Buffer {
  const { random, features } = draft
  const boundary =
    random.pick(['=_', '----=_NextPart_000_', 'b', "Apple-Mail='", '_004_']) +
    String(draft.head.length * 1000 + features.size) +
    random.below(1e9).toString(36)
  const quote = /[^\w-]/.test(boundary) || random.chance(0.5) ? '"' : ''
  const preamble = random.chance(0.2) ? 'This is a multi-part message in MIME format.\r\n' : ''
  const epilogue = random.chance(0.1) ? 'Scanned by an antivirus.\r\n' : ''
  if (preamble) features.add('preamble')
  if (epilogue) features.add('epilogue')
  const delimiter = Buffer.from(`--${boundary}\r\n`)
  return Buffer.concat([
    Buffer.from(
      `Content-Type: multipart/${subtype};\r\n\tboundary=${quote}${boundary}${quote}${parameters}\r\n\r\n${preamble}`,
    ),
    ...parts.flatMap((part) => [delimiter, part, CRLF]),
    Buffer.from(`--${boundary}--\r\n${epilogue}`),
  ])
}
