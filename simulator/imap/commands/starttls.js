'use strict'

const { bad } = require('../errors.js')

/**
 * RFC 3501 §6.2.1.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'STARTTLS',
  states: ['clear'],

  run(session, parser) {
    parser.end()
    if (session.transport.secure || !session.shared.startTls || session.shared.context === null) {
      throw bad('STARTTLS is not available')
    }
    return { text: 'Begin TLS negotiation now', after: () => session.transport.startTls() }
  },
}
