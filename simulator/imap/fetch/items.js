'use strict'

const { bad } = require('../errors.js')
const { astring } = require('../syntax.js')

/*
 * What a FETCH asks for (RFC 3501 §6.4.5), read.
 */

/**
 * @typedef {object} Section
 * @property {number[]} path part numbers; empty = the message
 * @property {'' | 'HEADER' | 'HEADER.FIELDS' | 'HEADER.FIELDS.NOT' | 'TEXT' | 'MIME'} what
 * @property {string[]} fields lower case
 * @property {string} label as it is repeated in the answer: `1.2.HEADER.FIELDS (FROM TO)`
 */

/**
 * @typedef {object} Item
 * @property {string} name upper case; `BODY[`, `BINARY[` and `BINARY.SIZE[` have a section
 * @property {Section | null} section
 * @property {[number, number] | null} partial offset and length
 * @property {boolean} peek does not set \Seen
 */

/** @type {Record<string, string[]>} */
const MACROS = {
  ALL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE'],
  FAST: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE'],
  FULL: ['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODY'],
}

/** Items without arguments, and the capability that brings each. @type {Record<string, string | null>} */
const SIMPLE = {
  FLAGS: null,
  UID: null,
  INTERNALDATE: null,
  'RFC822.SIZE': null,
  ENVELOPE: null,
  BODY: null,
  BODYSTRUCTURE: null,
  RFC822: null,
  'RFC822.HEADER': null,
  'RFC822.TEXT': null,
  MODSEQ: 'CONDSTORE',
  EMAILID: 'OBJECTID',
  THREADID: 'OBJECTID',
  'X-GM-MSGID': 'X-GM-EXT-1',
  'X-GM-THRID': 'X-GM-EXT-1',
  'X-GM-LABELS': 'X-GM-EXT-1',
}

/**
 *     fetch-att list or macro
 *
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @returns {Item[]}
 */
function readItems(session, parser) {
  if (parser.looksAt('(')) {
    const items = parser.list(() => readItem(session, parser))
    if (items.length === 0) throw bad('Nothing to fetch')
    return items
  }
  for (const [macro, names] of Object.entries(MACROS)) {
    const end = parser.input[parser.at + macro.length]
    if (parser.looksAt(macro) && (end === undefined || end === ' ')) {
      parser.expect(macro)
      return names.map((name) => simple(name))
    }
  }
  return [readItem(session, parser)]
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @returns {Item}
 */
function readItem(session, parser) {
  const name = parser.word()
  if (!parser.looksAt('[')) {
    const needed = SIMPLE[name]
    if (needed === undefined || (needed !== null && !session.offers(needed))) throw bad(`Unknown item ${name}`)
    return simple(name)
  }
  const peek = name.endsWith('.PEEK')
  const base = peek ? name.slice(0, -5) : name
  const binary = base === 'BINARY' || base === 'BINARY.SIZE'
  if ((base !== 'BODY' && !binary) || (binary && !session.offers('BINARY'))) throw bad(`Unknown item ${name}`)
  const section = readSection(parser)
  if (binary && section.what !== '') throw bad('BINARY takes part numbers only')
  return { name: `${base}[`, section, partial: readPartial(parser), peek: peek || base === 'BINARY.SIZE' }
}

/** @param {string} name */
function simple(name) {
  return { name, section: null, partial: null, peek: name !== 'RFC822' && name !== 'RFC822.TEXT' }
}

/**
 *     section = "[" [section-msgtext / (nz-number *("." nz-number) ["." (section-msgtext / "MIME")])] "]"
 *
 * @param {import('../parser.js').Parser} parser
 * @returns {Section}
 */
function readSection(parser) {
  parser.expect('[')
  /** @type {number[]} */
  const path = []
  while (/[1-9]/.test(parser.input[parser.at] ?? '')) {
    path.push(parser.number())
    if (!parser.skip('.')) break
    if (!/[1-9A-Za-z]/.test(parser.input[parser.at] ?? '')) throw bad('Invalid section')
  }
  const ended = parser.input[parser.at - 1] !== '.'
  const what = parser.looksAt(']') || (path.length > 0 && ended) ? '' : parser.word()
  const fields = what.startsWith('HEADER.FIELDS') ? (parser.space(), parser.list(() => parser.astring())) : []
  const known = ['', 'HEADER', 'HEADER.FIELDS', 'HEADER.FIELDS.NOT', 'TEXT', 'MIME'].includes(what)
  if (!known || (what === 'MIME' && path.length === 0)) throw bad('Invalid section')
  if (what.startsWith('HEADER.FIELDS') && fields.length === 0) throw bad('Empty header list')
  parser.expect(']')
  const spec = [...path, ...(what === '' ? [] : [what])].join('.')
  const label = fields.length === 0 ? spec : `${spec} (${fields.map(astring).join(' ')})`
  return { path, what: /** @type {Section['what']} */ (what), fields: fields.map((name) => name.toLowerCase()), label }
}

/**
 *     partial = "<" number "." nz-number ">"
 *
 * @param {import('../parser.js').Parser} parser
 * @returns {[number, number] | null}
 */
function readPartial(parser) {
  if (!parser.skip('<')) return null
  const offset = parser.number()
  parser.expect('.')
  const length = parser.number()
  parser.expect('>')
  if (length === 0) throw bad('Empty partial')
  return [offset, length]
}

module.exports = { readItems }
