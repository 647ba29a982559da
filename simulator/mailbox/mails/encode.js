'use strict'

const { decodeText, encodeText } = require('../mime/charset.js')

/*
 * Content and header encodings of outgoing mail (RFC 2045, 2047, 2231), as different mailers do them.
 */

/** RFC 2047 §2: an encoded word has at most 75 characters. */
const MAX_WORD = 75

/** RFC 2045 §6.7, §6.8: encoded lines have at most 76 characters. */
const MAX_LINE = 76

/**
 * A header value: ASCII as it is, the rest in encoded words, folded.
 *
 * @param {string} text
 * @param {string} charset
 * @param {'b' | 'q'} [encoding]
 */
function headerText(text, charset, encoding = charset === 'iso-8859-1' ? 'q' : 'b') {
  if (isAscii(text)) return text
  if (!holds(charset, text)) charset = 'utf-8'
  /** @type {string[]} */
  const words = []
  let pending = ''
  for (const char of text) {
    if (encodedWord(pending + char, charset, encoding).length > MAX_WORD) {
      words.push(encodedWord(pending, charset, encoding))
      pending = ''
    }
    pending += char
  }
  words.push(encodedWord(pending, charset, encoding))
  return words.join('\r\n ')
}

/**
 * @param {string} text
 * @param {string} charset
 * @param {'b' | 'q'} encoding
 */
function encodedWord(text, charset, encoding) {
  const bytes = encodeText(text, charset)
  if (encoding === 'b') return `=?${charset}?B?${bytes.toString('base64')}?=`
  const body = bytes
    .toString('latin1')
    .replace(/[^A-Za-z0-9 !*+\-/]/g, hex)
    .replace(/ /g, '_')
  return `=?${charset}?Q?${body}?=`
}

/**
 * `Name <address>`, quoted or encoded as needed.
 *
 * @param {{ name: string, address: string }} person
 * @param {string} charset
 */
function address({ name, address }, charset) {
  if (name === '') return address
  if (!isAscii(name)) return `${headerText(name, charset)} <${address}>`
  return /^[A-Za-z0-9 ]+$/.test(name) ? `${name} <${address}>` : `"${name.replace(/["\\]/g, '\\$&')}" <${address}>`
}

/**
 * A file name parameter, in the three ways that are seen: plain, RFC 2231, and the forbidden but common encoded word.
 *
 * @param {string} name
 * @param {string} value
 * @param {{ charset: string, style: 'rfc2231' | 'continued' | 'word' }} options
 * @returns {string[]} `name=value` pieces
 */
function fileParameter(name, value, { charset, style }) {
  if (isAscii(value)) return [`${name}="${value}"`]
  if (style === 'word') return [`${name}="${headerText(value, charset).replace(/\r\n /g, ' ')}"`]
  const encoded = `${charset}''${encodeText(value, charset)
    .toString('latin1')
    .replace(/[^A-Za-z0-9.\-_~]/g, percent)}`
  if (style === 'rfc2231') return [`${name}*=${encoded}`]
  const pieces = encoded.match(/(?:%..|[^%]){1,20}/g) ?? []
  return pieces.map((piece, index) => `${name}*${index}*=${piece}`)
}

/**
 * Lines of 76 characters.
 *
 * @param {Buffer} bytes
 * @returns {Buffer}
 */
function base64(bytes) {
  const text = bytes.toString('base64')
  const lines = Math.ceil(text.length / MAX_LINE)
  const out = Buffer.allocUnsafe(text.length + lines * 2)
  let at = 0
  for (let from = 0; from < text.length; from += MAX_LINE) {
    at += out.write(text.slice(from, from + MAX_LINE), at, 'latin1')
    out[at++] = 13
    out[at++] = 10
  }
  return out
}

/**
 * @param {Buffer} bytes with CRLF line ends
 * @returns {Buffer}
 */
function quotedPrintable(bytes) {
  const lines = bytes
    .toString('latin1')
    .split('\r\n')
    .map((line) => {
      const encoded = line.replace(/[^\x20-\x3c\x3e-\x7e\t]/g, hex).replace(/[ \t]$/, hex)
      return softWrapped(encoded)
    })
  return Buffer.from(lines.join('\r\n'), 'latin1')
}

/** @param {string} line */
function softWrapped(line) {
  let out = ''
  while (line.length > MAX_LINE) {
    let cut = MAX_LINE - 1
    if (line[cut - 1] === '=') cut -= 1
    else if (line[cut - 2] === '=') cut -= 2
    out += `${line.slice(0, cut)}=\r\n`
    line = line.slice(cut)
  }
  return out + line
}

/** @param {string} char */
function hex(char) {
  return `=${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/** @param {string} char */
function percent(char) {
  return `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`
}

/**
 * Whether a charset has all these characters; mailers take UTF-8 where it has not.
 *
 * @param {string} charset
 * @param {string} text
 */
function holds(charset, text) {
  return decodeText(encodeText(text, charset), charset) === text
}

/** @param {string} text */
function isAscii(text) {
  return /^[\x20-\x7e]*$/.test(text)
}

module.exports = { address, base64, fileParameter, headerText, holds, isAscii, quotedPrintable }
