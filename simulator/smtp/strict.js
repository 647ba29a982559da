'use strict'

const { Reply } = require('./replies')

/** RFC 5322 §2.1.1, without CRLF. */
const MAX_LINE = 998

/**
 * Refuses a message that is none by RFC 5321 §2.3.8, RFC 5322 §2 and RFC 6152.
 *
 * @param {Buffer} raw
 * @param {any} session of smtp-server
 */
function refuseUnlessProper(raw, session) {
  const text = raw.toString('latin1')
  if (/\r(?!\n)|(?<!\r)\n/.test(text)) throw refusal('bare CR or LF')
  if (text.includes('\0')) throw refusal('NUL')
  if (text.split('\r\n').some((line) => line.length > MAX_LINE)) throw refusal(`a line longer than ${MAX_LINE}`)
  const eightBit = session.envelope.bodyType === '8bitmime'
  if (!eightBit && [...raw].some((octet) => octet > 127)) throw refusal('8-bit octets without BODY=8BITMIME')
}

function refusal(what) {
  return new Reply(554, `5.6.0 Message refused: ${what}`)
}

module.exports = { refuseUnlessProper }
