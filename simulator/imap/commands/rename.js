'use strict'

const { accountOf } = require('../mailboxes.js')

/**
 * RFC 3501 §6.3.5.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'RENAME',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const from = parser.mailbox()
    parser.space()
    const to = parser.mailbox()
    parser.end()
    accountOf(session).rename(from, to)
  },
}
