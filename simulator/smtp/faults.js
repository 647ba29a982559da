'use strict'

const { parseReply } = require('./replies')

/**
 * @typedef {object} SmtpFault
 * @property {'connect' | 'ehlo' | 'starttls' | 'auth' | 'mail' | 'rcpt' | 'data-command' | 'body' | 'data' | 'accepted' | 'replied'} stage
 *   `connect`: in place of the greeting; `data-command`: in place of 354; `body`: in the middle of the message; `data`: after the final dot, the
 *   message is dropped; `accepted`: the message is delivered, then this happens (the client cannot know that it was); `replied`: after the reply
 * @property {number} [afterBytes] `body`: of the message, how many come through first; default 1
 * @property {string} [reply] `451 4.7.500 Server busy`
 * @property {boolean} [destroy] cut the connection instead
 * @property {number} [delayMs] wait first
 * @property {string} [address] only for this sender (`mail`), recipient (`rcpt`) or user (`auth`)
 * @property {number} [times] how often; default 1
 */

const STAGES = [
  'connect',
  'ehlo',
  'starttls',
  'auth',
  'mail',
  'rcpt',
  'data-command',
  'body',
  'data',
  'accepted',
  'replied',
]

/** What goes wrong next in submission. */
class Faults {
  constructor() {
    /** @type {SmtpFault[]} */
    this.queue = []
  }

  /** @param {SmtpFault} fault */
  failNext(fault) {
    if (!STAGES.includes(fault.stage)) throw new TypeError(`Unknown stage of submission: ${fault.stage}`)
    if (fault.reply !== undefined) parseReply(fault.reply)
    this.queue.push({ times: 1, ...fault })
  }

  clear() {
    this.queue = []
  }

  /** @param {SmtpFault['stage']} stage @param {string} [address] */
  take(stage, address) {
    const index = this.queue.findIndex(
      (fault) => fault.stage === stage && (!fault.address || fault.address.toLowerCase() === address?.toLowerCase()),
    )
    if (index < 0) return null
    const fault = this.queue[index]
    fault.times = (fault.times ?? 1) - 1
    if (fault.times <= 0) this.queue.splice(index, 1)
    return fault
  }
}

module.exports = { Faults }
