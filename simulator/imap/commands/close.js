'use strict'

const { accountOf, viewOf } = require('../mailboxes.js')

/**
 * CLOSE (RFC 3501 §6.4.2) expunges silently unless the mailbox is read-only; UNSELECT (RFC 3691) never does.
 *
 * @param {'CLOSE' | 'UNSELECT'} name
 * @returns {import('../dispatch.js').Handler}
 */
function closer(name) {
  return {
    name,
    states: ['selected'],
    requires: name === 'UNSELECT' ? ['UNSELECT'] : undefined,
    run(session, parser) {
      parser.end()
      const { mailbox, readOnly } = viewOf(session)
      session.unselect()
      if (name === 'CLOSE' && !readOnly) {
        const deleted = mailbox.messages.filter(({ flags }) => flags.has('\\Deleted'))
        accountOf(session).remove(mailbox, deleted, session)
      }
    },
  }
}

module.exports = { close: closer('CLOSE'), unselect: closer('UNSELECT') }
