'use strict'

const { accountOf } = require('../mailboxes.js')

/**
 * RFC 3501 §6.3.4. The own session leaves the mailbox first; others are told BYE.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'DELETE',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const path = parser.mailbox()
    parser.end()
    const account = accountOf(session)
    const mailbox = account.get(path)
    if (mailbox !== null && session.view?.mailbox === mailbox && mailbox.path !== 'INBOX') session.unselect()
    account.delete(path)
  },
}
