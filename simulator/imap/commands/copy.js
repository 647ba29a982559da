'use strict'

const { accountOf, mailboxOf, viewOf, writableView } = require('../mailboxes.js')
const { formatSet } = require('../set.js')

/**
 * COPY (RFC 3501 §6.4.7) and MOVE (RFC 6851), with COPYUID (RFC 4315 §3).
 *
 *     copy = "COPY" SP sequence-set SP mailbox
 *
 * @param {'COPY' | 'MOVE'} name
 * @returns {import('../dispatch.js').Handler}
 */
function copier(name) {
  return {
    name,
    states: ['selected'],
    uid: true,
    requires: name === 'MOVE' ? ['MOVE'] : undefined,
    run(session, parser, { uid }) {
      parser.space()
      const set = parser.set()
      parser.space()
      const path = parser.mailbox()
      parser.end()
      const view = name === 'MOVE' ? writableView(session) : viewOf(session)
      const target = mailboxOf(session, path, 'TRYCREATE')
      const messages = view.resolve(set, uid).map(([, message]) => message)
      if (messages.length === 0) return { text: 'No messages found.' }
      const sources = messages.map((message) => message.uid)
      const account = accountOf(session)
      const copies = account[name === 'MOVE' ? 'move' : 'copy'](view.mailbox, messages, target, session)
      if (!session.offers('UIDPLUS')) return
      const code = `COPYUID ${target.uidValidity} ${formatSet(sources)} ${formatSet(copies.map((copy) => copy.uid))}`
      if (name === 'COPY') return { code }
      // RFC 6851 §4.3: untagged, so that it comes before the EXPUNGEs it explains.
      session.out.line(`* OK [${code}] Moved UIDs.`)
    },
  }
}

module.exports = { copy: copier('COPY'), move: copier('MOVE') }
