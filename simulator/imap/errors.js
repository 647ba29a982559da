'use strict'

/*
 * A command that does not end in OK. Handlers throw it; the session writes the tagged reply.
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
    /** Set when the connection ends behind this reply: the text of the BYE. @type {string | null} */
    this.bye = null
  }
}

/**
 * The command did not parse.
 *
 * @param {string} text
 */
function bad(text) {
  return new Refusal('BAD', text)
}

/**
 * @param {string} text
 * @param {string | null} [code]
 */
function no(text, code = null) {
  return new Refusal('NO', text, code)
}

module.exports = { bad, no, Refusal }
