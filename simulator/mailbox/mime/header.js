'use strict'

/*
 * Header fields with their byte offsets (RFC 5322 §2.2). Values are "byte strings": one character per byte (latin1),
 * because IMAP hands them on untouched, whatever charset they are really in.
 */

/**
 * @typedef {object} Field
 * @property {string} name lower case; empty for a line that is no field
 * @property {number} start offset of the name
 * @property {number} value offset behind the colon
 * @property {number} end offset behind the last CRLF of the (folded) field
 */

/**
 * @typedef {object} Header
 * @property {number} start
 * @property {Field[]} fields
 * @property {number} fieldsEnd where the empty line starts, or the end of what there is
 * @property {number} end behind the empty line: where the body starts
 */

const LF = 10
const CR = 13

/**
 * @param {Buffer} raw
 * @param {number} start
 * @param {number} end exclusive
 * @returns {Header}
 */
function parseHeader(raw, start, end) {
  /** @type {Field[]} */
  const fields = []
  let at = start
  while (at < end) {
    const lf = raw.indexOf(LF, at)
    const next = lf === -1 || lf >= end ? end : lf + 1
    const first = raw[at]
    if (first === LF || (first === CR && raw[at + 1] === LF)) return { start, fields, fieldsEnd: at, end: next }
    if ((first === 32 || first === 9) && fields.length > 0) {
      fields[fields.length - 1].end = next
    } else {
      const line = raw.toString('latin1', at, next)
      const colon = line.indexOf(':')
      const name = colon === -1 ? '' : line.slice(0, colon).trim().toLowerCase()
      fields.push({ name, start: at, value: colon === -1 ? next : at + colon + 1, end: next })
    }
    at = next
  }
  return { start, fields, fieldsEnd: at, end: at }
}

/**
 * The unfolded value of the first field of that name.
 *
 * @param {Buffer} raw
 * @param {Header} header
 * @param {string} name lower case
 * @returns {string | null}
 */
function fieldValue(raw, header, name) {
  const field = header.fields.find((each) => each.name === name)
  return field === undefined ? null : unfold(raw.toString('latin1', field.value, field.end))
}

/**
 * @param {Buffer} raw
 * @param {Header} header
 * @param {string} name lower case
 * @returns {string[]}
 */
function fieldValues(raw, header, name) {
  return header.fields
    .filter((each) => each.name === name)
    .map((field) => unfold(raw.toString('latin1', field.value, field.end)))
}

/**
 * RFC 5322 §2.2.3: the line break goes, the white space stays.
 *
 * @param {string} value
 */
function unfold(value) {
  return value.replace(/\r?\n(?=[ \t])/g, '').replace(/^[ \t]+|[ \t\r\n]+$/g, '')
}

module.exports = { parseHeader, fieldValue, fieldValues, unfold }
