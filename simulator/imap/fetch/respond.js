'use strict'

const { Content } = require('../../mailbox/content.js')
const { decodedBody, transferEncoding } = require('../../mailbox/mime/decode.js')
const { labelsOf } = require('../../mailbox/labels.js')
const { hits } = require('../faults.js')
const { no } = require('../errors.js')
const { wireName } = require('../mailboxes.js')
const { dateTime } = require('../syntax.js')
const { envelope } = require('./envelope.js')
const { partAt, sectionBytes } = require('./section.js')
const { structure } = require('./structure.js')

/*
 * One FETCH response. Bodies are handed to the output as slices; everything formatted is remembered in the Content.
 */

/** @typedef {import('../session.js').Session} Session */
/** @typedef {import('../../mailbox/mailbox.js').Message} Message */
/** @typedef {import('./items.js').Item} Item */

/** What Exchange cannot show: the grammar wants lists and strings where it has NIL (MailKit#919, #1446). */
const BROKEN_STRUCTURE = '(NIL NIL NIL NIL NIL NIL NIL)'

/**
 * @param {Session} session
 * @param {import('../view.js').View} view
 * @param {number} sequence
 * @param {Message} message
 * @param {Item[]} items
 */
function respond(session, view, sequence, message, items) {
  const { out, faults } = session
  if (hits(faults.emptyFetch, message.uid) && items.some(isWholeBody)) return
  // Everything is there before the first byte goes out: an item that fails must not leave half a response.
  /** @type {(item: Item) => Value} */
  const answer = (item) => {
    if (item.section !== null) return sectionItem(session, message, item, item.section)
    if (item.name.startsWith('RFC822') && item.name !== 'RFC822.SIZE') return oldItem(session, message, item)
    return [`${item.name} ${value(session, view, message, item.name)}`]
  }
  const values = ordered(items, session.personality.fetchOrder)
    .map(answer)
    .filter(([text]) => text !== '')
  out.text(`* ${sequence} FETCH (`)
  values.forEach(([text, bytes], index) => {
    out.text(index === 0 ? text : ` ${text}`)
    if (bytes !== undefined) out.bytes(bytes)
  })
  out.line(')')
}

/**
 * The server's own order, where it has one: clients must take any (RFC 3501 §7.4.2).
 *
 * @param {Item[]} items
 * @param {string[] | null} order names that come first
 */
function ordered(items, order) {
  if (order === null) return items
  const rank = (/** @type {Item} */ { name }) => (order.includes(name) ? order.indexOf(name) : order.length)
  return [...items].sort((a, b) => rank(a) - rank(b))
}

/** Text, and the bytes of the literal that it announces at its end. @typedef {[string, Buffer?]} Value */

/**
 * @param {Session} session
 * @param {import('../view.js').View} view
 * @param {Message} message
 * @param {string} name
 * @returns {string}
 */
function value(session, view, message, name) {
  const { content } = message
  switch (name) {
    case 'FLAGS':
      return view.flagList(message)
    case 'UID':
      return String(message.uid)
    case 'INTERNALDATE':
      if (hits(session.faults.nilInternalDate, message.uid)) return 'NIL'
      return dateTime(content.internalDate)
    case 'RFC822.SIZE':
      return String(content.size + session.faults.sizeOffset)
    case 'ENVELOPE':
      if (session.faults.spacedAddresses) return envelope(content.raw, content.structure.header, ' ')
      return cached(content, name, () => envelope(content.raw, content.structure.header))
    case 'BODY':
    case 'BODYSTRUCTURE':
      if (hits(session.faults.brokenStructure, message.uid)) return BROKEN_STRUCTURE
      return cached(content, name, () => structure(content.raw, content.structure, name === 'BODYSTRUCTURE'))
    case 'MODSEQ':
      return `(${message.modseq})`
    case 'EMAILID':
      return `(${content.emailId})`
    case 'THREADID':
      return `(${content.threadId})`
    case 'X-GM-MSGID':
      return content.gmailId
    case 'X-GM-THRID':
      return content.gmailThread
    default:
      return labelList(session, view, message)
  }
}

/**
 * @param {Content} content
 * @param {string} name
 * @param {() => string} make
 */
function cached(content, name, make) {
  let text = content.cache.get(name)
  if (text === undefined) content.cache.set(name, (text = make()))
  return text
}

/**
 * @param {Session} session
 * @param {import('../view.js').View} view
 * @param {Message} message
 */
function labelList(session, view, message) {
  const names = labelsOf(view.account, view.mailbox, message)
  return `(${names.map((name) => (name.startsWith('\\') ? `"\\\\${name.slice(1)}"` : wireName(session, name))).join(' ')})`
}

/**
 * BODY[…], BINARY[…], BINARY.SIZE[…].
 *
 * @param {Session} session
 * @param {Message} message
 * @param {Item} item
 * @param {import('./items.js').Section} section
 * @returns {Value}
 */
function sectionItem(session, message, item, section) {
  const source = sourceOf(session, message, section)
  const binary = item.name !== 'BODY['
  if (binary && endsEarly(source, section)) {
    session.kill('FETCH failed: Internal error occurred.')
    return ['']
  }
  const bytes = binary ? binaryBytes(source, section) : sectionBytes(source.raw, () => source.structure, section)
  if (item.name === 'BINARY.SIZE[') return [`BINARY.SIZE[${section.label}] ${bytes?.length ?? 0}`]
  const ranged = item.partial !== null && !session.personality.ignoresPartial
  const origin = ranged ? `<${item.partial?.[0]}>` : ''
  const slice = bytes !== null && ranged && item.partial !== null ? partOf(bytes, item.partial) : bytes
  return literal(`${item.name}${section.label}]${origin}`, slice, binary && slice !== null && slice.includes(0))
}

/**
 * RFC822, RFC822.HEADER, RFC822.TEXT.
 *
 * @param {Session} session
 * @param {Message} message
 * @param {Item} item
 * @returns {Value}
 */
function oldItem(session, message, item) {
  const what = item.name === 'RFC822' ? '' : item.name === 'RFC822.HEADER' ? 'HEADER' : 'TEXT'
  /** @type {import('./items.js').Section} */
  const section = { path: [], what, fields: [], label: '' }
  const source = sourceOf(session, message, section)
  return literal(
    item.name,
    sectionBytes(source.raw, () => source.structure, section),
    false,
  )
}

/**
 * @param {string} label
 * @param {Buffer | null} bytes
 * @param {boolean} binary literal8 (RFC 3516)
 * @returns {Value}
 */
function literal(label, bytes, binary) {
  return bytes === null ? [`${label} NIL`] : [`${label} ${binary ? '~' : ''}{${bytes.length}}\r\n`, bytes]
}

/**
 * An encoded part that stops within a group or an escape: Dovecot leaves over it, with a BYE. What else is wrong with one,
 * it refuses.
 *
 * @param {Content} source
 * @param {import('./items.js').Section} section
 */
function endsEarly(source, section) {
  const part = section.path.length === 0 ? null : partAt(source.structure, section.path)
  const encoding = part === null ? null : transferEncoding(source.raw, part)
  if (part === null || (encoding !== 'base64' && encoding !== 'quoted-printable')) return false
  const text = source.raw.toString('latin1', part.start, part.end)
  const groups = text.replace(/[\r\n\t ]/g, '')
  const broken = encoding === 'base64' ? !/^[A-Za-z0-9+/]*={0,2}$/.test(groups) : BROKEN_ESCAPE.test(text)
  if (broken) throw no('Invalid data in MIME part', 'PARSE')
  return encoding === 'base64' ? groups.length % 4 !== 0 : /=[0-9a-f]?$/i.test(text)
}

/** Neither an escape nor a soft line break, nor cut off. */
const BROKEN_ESCAPE = /=(?![0-9a-f]{2}|[0-9a-f]?$|[ \t]*\r?\n)/i

/**
 * @param {Content} source
 * @param {import('./items.js').Section} section
 */
function binaryBytes(source, section) {
  if (section.path.length === 0) return source.raw
  const part = partAt(source.structure, section.path)
  if (part === null) return null
  const decoded = decodedBody(source.raw, part)
  if (decoded === null) throw no('Unknown transfer encoding', 'UNKNOWN-CTE')
  return decoded
}

/**
 * @param {Buffer} bytes
 * @param {[number, number]} partial
 */
function partOf(bytes, [offset, length]) {
  return bytes.subarray(Math.min(offset, bytes.length), Math.min(offset + length, bytes.length))
}

/**
 * The message, or what Exchange sends instead of one it cannot convert: its header is served, the rest is an apology.
 *
 * @param {Session} session
 * @param {Message} message
 * @param {import('./items.js').Section} section
 */
function sourceOf(session, message, section) {
  const header = section.path.length === 0 && section.what.startsWith('HEADER')
  if (header || !hits(session.faults.stubBodies, message.uid)) return message.content
  const { content, uid } = message
  const text = [
    `Date: ${content.internalDate.toUTCString().replace('GMT', '+0000')}`,
    'From: Microsoft Exchange Server <>',
    `Subject: Retrieval using the IMAP4 protocol failed for the following message: ${uid}`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset="us-ascii"',
    '',
    "The server couldn't retrieve the following message:",
    '',
    "The message hasn't been deleted. You might be able to view it using either Outlook or Outlook on the web.",
    'You can also contact the sender to find out what the message says.',
    '',
  ]
  return new Content(Buffer.from(text.join('\r\n')), content.internalDate, content.serial)
}

/** @param {Item} item */
function isWholeBody({ name, section }) {
  return name === 'RFC822' || (name === 'BODY[' && section?.path.length === 0 && section.what === '')
}

module.exports = { respond }
