'use strict'

const { decodeWords } = require('../../mailbox/mime/words.js')
const { partText } = require('../../mailbox/mime/decode.js')

/*
 * A message as SEARCH reads it: lower case, decoded. Not kept: the text of a mailbox is as big as the mailbox.
 */

/** @typedef {import('../../mailbox/content.js').Content} Content */
/** @typedef {import('../../mailbox/mime/split.js').Part} Part */

/** @param {Content} content */
function headerText({ raw, structure }) {
  return headerOf(raw, structure)
}

/** @param {Content} content */
function bodyText({ raw, structure }) {
  return textOf(raw, structure)
}

/**
 * @param {Buffer} raw
 * @param {Part} part
 * @returns {string}
 */
function textOf(raw, part) {
  if (part.message !== null) return headerOf(raw, part.message) + textOf(raw, part.message)
  if (part.children.length > 0) return part.children.map((child) => textOf(raw, child)).join('\n')
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

module.exports = { bodyText, headerText }
