'use strict'

const { fieldsOf } = require('./fields.js')

/*
 * The bytes of BODY[section] (RFC 3501 §6.4.5): slices of what is stored, nothing decoded, nothing copied but header
 * subsets.
 */

/** @typedef {import('../../mailbox/mime/split.js').Part} Part */

/**
 * @param {Buffer} raw
 * @param {() => Part} structure asked only where parts matter
 * @param {import('./items.js').Section} section
 * @returns {Buffer | null} null when there is no such part
 */
function sectionBytes(raw, structure, { path, what, fields }) {
  if (path.length === 0 && what === '') return raw
  const part = partAt(structure(), path)
  if (part === null) return null
  if (what === '') return raw.subarray(part.start, part.end)
  if (what === 'MIME') return raw.subarray(part.header.start, part.header.end)
  // HEADER and TEXT of a part are those of the message inside it.
  const message = path.length === 0 ? part : part.message
  if (message === null) return null
  if (what === 'TEXT') return raw.subarray(message.start, message.end)
  if (what === 'HEADER') return raw.subarray(message.header.start, message.header.end)
  return fieldsOf(raw, message.header, fields, what === 'HEADER.FIELDS.NOT')
}

/**
 * Part numbers: a multipart's children are counted; anything else has one part, itself; within message/rfc822 the
 * counting starts anew with the inner message.
 *
 * @param {Part} root
 * @param {number[]} path
 * @returns {Part | null}
 */
function partAt(root, path) {
  /** @type {Part} */
  let part = root
  /** The message whose parts are being counted; null behind a leaf. @type {Part | null} */
  let container = root
  for (const number of path) {
    if (container === null) return null
    if (container.type.toLowerCase() === 'multipart') {
      const child = container.children[number - 1]
      if (child === undefined) return null
      part = child
    } else if (number === 1) part = container
    else return null
    container = part.message ?? (part.children.length > 0 ? part : null)
  }
  return part
}

module.exports = { partAt, sectionBytes }
