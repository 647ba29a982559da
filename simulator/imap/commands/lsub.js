'use strict'

const { listed } = require('../listing.js')
const { wireName } = require('../mailboxes.js')

/**
 * RFC 3501 §6.3.9.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'LSUB',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const reference = parser.mailbox()
    parser.space()
    const pattern = parser.listMailbox()
    parser.end()
    // "%" names a parent of subscribed mailboxes that is not subscribed itself as \Noselect.
    const recursive = pattern.includes('%') ? ['RECURSIVEMATCH'] : []
    const wanted = { reference, patterns: [pattern], selection: ['SUBSCRIBED', ...recursive], options: [] }
    for (const { path, attributes } of listed(session, wanted)) {
      const flags = attributes.includes('\\Subscribed') ? [] : ['\\Noselect']
      session.out.line(`* LSUB (${flags.join(' ')}) "/" ${wireName(session, path)}`)
    }
  },
}
