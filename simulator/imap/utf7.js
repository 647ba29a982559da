'use strict'

/*
 * Modified UTF-7 (RFC 3501 §5.1.3): mailbox names on the wire. Printable ASCII stands for itself, `&` is `&-`, the rest
 * is UTF-16BE in base64 with `,` for `/` and no padding, between `&` and `-`.
 */

/**
 * @param {string} name Unicode
 * @returns {string} ASCII
 */
function encodeUtf7(name) {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === '&') return '&-'
    const bytes = Buffer.from(run, 'utf16le').swap16()
    return `&${bytes.toString('base64').replace(/=+$/, '').replace(/\//g, ',')}-`
  })
}

/**
 * @param {string} wire
 * @returns {string | null} null for what is not modified UTF-7: 8-bit, unclosed or empty shifts
 */
function decodeUtf7(wire) {
  if (/[^\x20-\x7e]/.test(wire)) return null
  let broken = false
  const name = wire.replace(/&([^-]*)(-?)/g, (_, run, dash) => {
    if (run === '' && dash) return '&'
    const bytes = Buffer.from(run.replace(/,/g, '/'), 'base64')
    if (!dash || run === '' || bytes.length % 2 !== 0 || !/^[A-Za-z0-9+,]+$/.test(run)) {
      broken = true
      return ''
    }
    return bytes.swap16().toString('utf16le')
  })
  return broken ? null : name
}

module.exports = { decodeUtf7, encodeUtf7 }
