'use strict'

const { TextDecoder } = require('node:util')

/*
 * Charsets, both ways, on what Node itself knows: TextDecoder (WHATWG encodings, full ICU) decodes; the tables to encode
 * are made by decoding every two-byte sequence once. That is 10 ms per charset and saves a dependency.
 */

/** @type {Map<string, TextDecoder>} */
const decoders = new Map()

/** @type {Map<string, Map<string, number>>} */
const tables = new Map()

/**
 * @param {Uint8Array} bytes
 * @param {string} charset any label; an unknown one reads as latin1, which loses nothing
 */
function decodeText(bytes, charset) {
  const label = charset.toLowerCase()
  let decoder = decoders.get(label)
  if (decoder === undefined) {
    try {
      decoder = new TextDecoder(label)
    } catch {
      decoder = new TextDecoder('latin1')
    }
    decoders.set(label, decoder)
  }
  return decoder.decode(bytes)
}

/**
 * @param {string} text
 * @param {string} charset utf-8, iso-8859-1, iso-2022-jp, shift_jis, gbk, gb18030, gb2312 or big5
 * @returns {Buffer}
 */
function encodeText(text, charset) {
  const name = charset.toLowerCase()
  if (name === 'utf-8' || name === 'us-ascii') return Buffer.from(text, 'utf8')
  if (name === 'iso-8859-1') return Buffer.from(text, 'latin1')
  if (name === 'iso-2022-jp') return encodeIso2022Jp(text)
  return encodeDoubleByte(text, name === 'gb18030' || name === 'gb2312' ? 'gbk' : name)
}

/**
 * RFC 1468: JIS X 0208 between `ESC $ B` and `ESC ( B`; its bytes are those of EUC-JP without the high bit.
 *
 * @param {string} text
 */
function encodeIso2022Jp(text) {
  const table = tableOf('euc-jp')
  let out = ''
  let wide = false
  for (const char of text) {
    const found = table.get(char)
    // Below 0xa1a1 are EUC's half-width katakana, which JIS X 0208 does not have.
    const code = found !== undefined && found >= 0xa1a1 ? found : undefined
    if ((code !== undefined) !== wide) {
      wide = !wide
      out += wide ? '\x1b$B' : '\x1b(B'
    }
    if (code === undefined) out += char.charCodeAt(0) < 0x80 ? char : '?'
    else out += String.fromCharCode((code >> 8) & 0x7f, code & 0x7f)
  }
  return Buffer.from(wide ? out + '\x1b(B' : out, 'latin1')
}

/**
 * @param {string} text
 * @param {string} charset
 */
function encodeDoubleByte(text, charset) {
  const table = tableOf(charset)
  let out = ''
  for (const char of text) {
    const code = table.get(char)
    if (code !== undefined) out += String.fromCharCode(code >> 8, code & 0xff)
    else out += char.charCodeAt(0) < 0x80 ? char : '?'
  }
  return Buffer.from(out, 'latin1')
}

/** @param {string} charset */
function tableOf(charset) {
  let table = tables.get(charset)
  if (table === undefined) {
    table = new Map()
    const decoder = new TextDecoder(charset, { fatal: true })
    const pair = Buffer.alloc(2)
    for (let code = 0x8140; code <= 0xfefe; code++) {
      pair.writeUInt16BE(code)
      if (pair[1] < 0x40) continue
      try {
        const char = decoder.decode(pair)
        if ([...char].length === 1 && !table.has(char)) table.set(char, code)
      } catch {
        // not a character of this charset
      }
    }
    tables.set(charset, table)
  }
  return table
}

module.exports = { decodeText, encodeText }
