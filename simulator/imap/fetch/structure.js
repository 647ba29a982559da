'use strict'

const { fieldValue } = require('../../mailbox/mime/header.js')
const { parameter, parseParameterized, withoutComments } = require('../../mailbox/mime/parameters.js')
const { nstring, string } = require('../syntax.js')
const { envelope } = require('./envelope.js')

/*
 * BODY and BODYSTRUCTURE (RFC 3501 §7.4.2). Strings are shown as the mail has them: encoded words and RFC 2231 pieces
 * are the client's to decode.
 */

/** @typedef {import('../../mailbox/mime/split.js').Part} Part */

/** What a multipart without any part is shown as, since the grammar wants one: an empty text. */
const NO_CHILD = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)'
const NO_CHILD_EXTENDED = NO_CHILD.replace(/\)$/, ' NIL NIL NIL NIL)')

/**
 *     body = "(" (body-type-1part / body-type-mpart) ")"
 *
 * @param {Buffer} raw
 * @param {Part} part
 * @param {boolean} extended BODYSTRUCTURE rather than BODY
 * @returns {string} byte string
 */
function structure(raw, part, extended) {
  if (part.type.toLowerCase() === 'multipart') return multipart(raw, part, extended)
  const { kind, line } = basic(raw, part)
  let text = line
  if (kind === 'message/rfc822' && part.message !== null) {
    const inner = part.message
    text += ` ${envelope(raw, inner.header)} ${structure(raw, inner, extended)} ${lines(raw, part)}`
  } else if (kind.startsWith('text/')) text += ` ${lines(raw, part)}`
  if (extended) text += ` ${nstring(header(raw, part, 'content-md5'))} ${extension(raw, part)}`
  return `(${text})`
}

/**
 *     body-type-mpart = 1*body SP media-subtype [SP body-fld-param SP body-fld-dsp SP body-fld-lang SP body-fld-loc]
 *
 * @param {Buffer} raw
 * @param {Part} part
 * @param {boolean} extended
 */
function multipart(raw, part, extended) {
  const none = extended ? NO_CHILD_EXTENDED : NO_CHILD
  const children = part.children.map((child) => structure(raw, child, extended)).join('') || none
  const tail = extended ? ` ${parameters(part.parameters)} ${extension(raw, part)}` : ''
  return `(${children} ${string(part.subtype)}${tail})`
}

/**
 *     media-type SP media-subtype SP param SP id SP description SP encoding SP octets
 *
 * @param {Buffer} raw
 * @param {Part} part
 */
function basic(raw, part) {
  const kind = `${part.type}/${part.subtype}`.toLowerCase()
  const plain = kind.startsWith('text/') && parameter(part.parameters, 'charset') === null
  const own = plain ? [...part.parameters, ['charset', 'us-ascii']] : part.parameters
  const id = nstring(header(raw, part, 'content-id'))
  const description = nstring(header(raw, part, 'content-description'))
  const encoding = string(token(header(raw, part, 'content-transfer-encoding')) ?? '7bit')
  const type = `${string(part.type)} ${string(part.subtype)}`
  const list = parameters(/** @type {Array<[string, string]>} */ (own))
  return { kind, line: `${type} ${list} ${id} ${description} ${encoding} ${part.end - part.start}` }
}

/**
 *     body-fld-dsp SP body-fld-lang SP body-fld-loc
 *
 * @param {Buffer} raw
 * @param {Part} part
 */
function extension(raw, part) {
  const disposition = parseParameterized(header(raw, part, 'content-disposition'))
  const shown = disposition === null ? 'NIL' : `(${string(disposition.value)} ${parameters(disposition.parameters)})`
  const languages = withoutComments(header(raw, part, 'content-language') ?? '')
    .split(/[\s,]+/)
    .filter(Boolean)
  const language = languages.length === 0 ? 'NIL' : `(${languages.map(string).join(' ')})`
  return `${shown} ${language} ${nstring(header(raw, part, 'content-location'))}`
}

/**
 * The first word, comments and white space aside.
 *
 * @param {string | null} value
 */
function token(value) {
  return value === null ? null : withoutComments(value).trim().split(/[\s;]/)[0] || null
}

/** @param {Array<[string, string]>} list */
function parameters(list) {
  if (list.length === 0) return 'NIL'
  return `(${list.map(([name, value]) => `${string(name)} ${string(value)}`).join(' ')})`
}

/**
 * @param {Buffer} raw
 * @param {Part} part
 * @param {string} name
 */
function header(raw, part, name) {
  const value = fieldValue(raw, part.header, name)
  return value === '' ? null : value
}

/**
 * @param {Buffer} raw
 * @param {Part} part
 */
function lines(raw, part) {
  let count = 0
  for (let at = raw.indexOf(10, part.start); at !== -1 && at < part.end; at = raw.indexOf(10, at + 1)) count++
  return count
}

module.exports = { structure }
