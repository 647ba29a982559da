'use strict'

/*
 * A command that does not end in OK. Handlers throw it; the dispatcher writes the tagged reply.
 */

class Refusal extends Error {
  /**
   * @param {'NO' | 'BAD'} status
   * @param {string} text
   * @param {string | null} [code] response code (RFC 3501 §7.1, RFC 5530), without brackets
   */
  constructor(status, text, code = null) {
    super(text)
    this.name = 'Refusal'
    this.status = status
    this.code = code
    /** `reason`: the personality puts it into its own words; `phrased`: text and code go out as they are. */
    this.kind = /** @type {'plain' | 'reason' | 'phrased'} */ ('plain')
    /** Set when the connection ends behind this reply: the text of the BYE. @type {string | null} */
    this.bye = null
  }
}

/**
 * The command did not parse, or makes no sense now.
 *
 * @param {string} reason
 */
function bad(reason) {
  const refusal = new Refusal('BAD', reason)
  refusal.kind = 'reason'
  return refusal
}

/**
 * @param {string} text
 * @param {string | null} [code]
 */
function no(text, code = null) {
  return new Refusal('NO', text, code)
}

/**
 * In the very words of a personality or a fault.
 *
 * @param {'NO' | 'BAD'} status
 * @param {string} text
 * @param {string | null} [code]
 */
function phrased(status, text, code = null) {
  const refusal = new Refusal(status, text, code)
  refusal.kind = 'phrased'
  return refusal
}

module.exports = { bad, no, phrased, Refusal }
