'use strict'

const { decodeText } = require('./charset.js')

/*
 * Encoded words (RFC 2047) in header values, for SEARCH. Neighbours in the same charset are joined before decoding,
 * since senders do split characters between them; not so in ISO-2022, where each word starts and ends in ASCII and a
 * second escape sequence right behind the first is an error to the decoder.
 */

const WORD = /=\?([^?\s*]+)(?:\*[^?]*)?\?([bq])\?([^?\s]*)\?=/gi

/**
 * @param {string} value a byte string
 * @returns {string} text
 */
function decodeWords(value) {
  let text = ''
  let last = 0
  /** @type {{ charset: string, bytes: Buffer[] } | null} */
  let open = null
  const close = () => {
    if (open !== null) text += decodeText(Buffer.concat(open.bytes), open.charset)
    open = null
  }
  for (const match of value.matchAll(WORD)) {
    const gap = value.slice(last, match.index)
    const bytes = wordBytes(match[2], match[3])
    if (open !== null && /^[ \t]*$/.test(gap)) {
      const same = open.charset.toLowerCase() === match[1].toLowerCase()
      if (same && !/^iso-2022/i.test(match[1])) open.bytes.push(bytes)
      else {
        close()
        open = { charset: match[1], bytes: [bytes] }
      }
    } else {
      close()
      text += rawText(gap)
      open = { charset: match[1], bytes: [bytes] }
    }
    last = match.index + match[0].length
  }
  close()
  return text + rawText(value.slice(last))
}

/**
 * @param {string} encoding
 * @param {string} data
 */
function wordBytes(encoding, data) {
  if (encoding.toLowerCase() === 'b') return Buffer.from(data, 'base64')
  const unescaped = data
    .replace(/_/g, ' ')
    .replace(/=([0-9a-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)))
  return Buffer.from(unescaped, 'latin1')
}

/**
 * Raw 8-bit in a header is UTF-8 today (RFC 6532); where it is not, it stays latin1.
 *
 * @param {string} bytes
 */
function rawText(bytes) {
  // eslint-disable-next-line no-control-regex -- the ASCII range is what is meant
  return /^[\x00-\x7f]*$/.test(bytes) ? bytes : decodeText(Buffer.from(bytes, 'latin1'), 'utf-8')
}

module.exports = { decodeWords }
