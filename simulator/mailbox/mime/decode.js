'use strict'

const { fieldValue } = require('./header.js')
const { parameter } = require('./parameters.js')
const { decodeText } = require('./charset.js')

/*
 * Undoing transfer encodings (RFC 2045 §6): for SEARCH in bodies and for BINARY (RFC 3516).
 */

/**
 * @param {Buffer} raw
 * @param {import('./split.js').Part} part
 * @returns {string} lower case
 */
function transferEncoding(raw, part) {
  return (fieldValue(raw, part.header, 'content-transfer-encoding') ?? '7bit').toLowerCase().split(/[\s;(]/)[0]
}

/**
 * @param {Buffer} raw
 * @param {import('./split.js').Part} part
 * @returns {Buffer | null} null for an encoding nobody knows
 */
function decodedBody(raw, part) {
  const body = raw.subarray(part.start, part.end)
  switch (transferEncoding(raw, part)) {
    case 'base64':
      return Buffer.from(body.toString('latin1'), 'base64')
    case 'quoted-printable':
      return quotedPrintable(body)
    case '7bit':
    case '8bit':
    case 'binary':
      return body
    default:
      return null
  }
}

/**
 * @param {Buffer} raw
 * @param {import('./split.js').Part} part a text part
 */
function partText(raw, part) {
  const bytes = decodedBody(raw, part) ?? raw.subarray(part.start, part.end)
  return decodeText(bytes, parameter(part.parameters, 'charset') ?? 'utf-8')
}

/** @param {Buffer} body */
function quotedPrintable(body) {
  const text = body
    .toString('latin1')
    .replace(/[ \t]+(?=\r?\n|$)/g, '')
    .replace(/=\r?\n/g, '')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(text, 'latin1')
}

module.exports = { decodedBody, partText, transferEncoding }
