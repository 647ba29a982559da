'use strict'

const { decodeWords } = require('../../mailbox/mime/words.js')
const { partText } = require('../../mailbox/mime/decode.js')

/*
 * A message as SEARCH reads it: lower case, decoded. Not kept: the text of a mailbox is as big as the mailbox.
 */

/** @typedef {import('../../mailbox/content.js').Content} Content */
/** @typedef {import('../../mailbox/mime/split.js').Part} Part */

/**
 * What BODY looks at.
 *
 * @param {Content} content
 */
function bodyText({ raw, structure }) {
  return textOf(raw, structure, false)
}

/**
 * What TEXT looks at: the header, too, and those of the parts, where the names of attachments are.
 *
 * @param {Content} content
 */
function wholeText({ raw, structure }) {
  return `${headerOf(raw, structure)}\n${textOf(raw, structure, true)}`
}

/**
 * @param {Buffer} raw
 * @param {Part} part
 * @param {boolean} headers of the parts, too
 * @returns {string}
 */
function textOf(raw, part, headers) {
  if (part.message !== null) return headerOf(raw, part.message) + textOf(raw, part.message, headers)
  if (part.children.length > 0) {
    return part.children.map((child) => (headers ? headerOf(raw, child) : '') + textOf(raw, child, headers)).join('\n')
  }
  return part.type.toLowerCase() === 'text' ? partText(raw, part).toLowerCase() : ''
}

/**
 * @param {Buffer} raw
 * @param {Part} part
 */
function headerOf(raw, { header }) {
  const unfolded = raw.toString('latin1', header.start, header.end).replace(/\r?\n(?=[ \t])/g, '')
  return decodeWords(unfolded).toLowerCase()
}

module.exports = { bodyText, wholeText }
