'use strict'

const { accountOf, writableView } = require('../mailboxes.js')
const { phrased } = require('../errors.js')

/**
 * EXPUNGE (RFC 3501 §6.4.3) and UID EXPUNGE (RFC 4315 §2.1): the news at the end of the command says what is gone.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'EXPUNGE',
  states: ['selected'],
  uid: true,

  run(session, parser, { uid }) {
    if (uid && !session.offers('UIDPLUS')) throw phrased('BAD', session.personality.texts.unknown('UID EXPUNGE'))
    const set = uid ? (parser.space(), parser.set()) : null
    parser.end()
    const view = writableView(session)
    const chosen = set === null ? view.mailbox.messages : view.resolve(set, true).map(([, message]) => message)
    const deleted = chosen.filter(({ flags }) => flags.has('\\Deleted'))
    accountOf(session).remove(view.mailbox, deleted, session)
    const modseq = session.enabled.has('QRESYNC') && deleted.length > 0
    return { code: modseq ? `HIGHESTMODSEQ ${view.mailbox.highestModseq}` : null }
  },
}
