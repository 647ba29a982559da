'use strict'

const { accountOf } = require('../mailboxes.js')

/** RFC 3501 §6.3.5. */
module.exports = {
  name: 'RENAME',
  states: ['authenticated', 'selected'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.space()
    const from = parser.mailbox()
    parser.space()
    const to = parser.mailbox()
    parser.end()
    accountOf(session).rename(from, to)
  }
}
