'use strict'

const { accountOf, mailboxOf } = require('../mailboxes.js')

/**
 * SUBSCRIBE and UNSUBSCRIBE (RFC 3501 §6.3.6, §6.3.7).
 *
 * @param {'SUBSCRIBE' | 'UNSUBSCRIBE'} name
 * @returns {import('../dispatch.js').Handler}
 */
function subscriber(name) {
  return {
    name,
    states: ['authenticated', 'selected'],
    run(session, parser) {
      parser.space()
      const path = parser.mailbox()
      parser.end()
      const account = accountOf(session)
      if (name === 'SUBSCRIBE') account.subscribe(mailboxOf(session, path).path)
      else account.unsubscribe(path)
    },
  }
}

module.exports = { subscribe: subscriber('SUBSCRIBE'), unsubscribe: subscriber('UNSUBSCRIBE') }
