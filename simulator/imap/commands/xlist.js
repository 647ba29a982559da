'use strict'

const { listed } = require('../listing.js')
const { accountOf, wireName } = require('../mailboxes.js')

/** What SPECIAL-USE calls otherwise. @type {Record<string, string>} */
const OLD_NAMES = { '\\All': '\\AllMail', '\\Flagged': '\\Starred', '\\Junk': '\\Spam' }

/**
 * XLIST, the forerunner of SPECIAL-USE (Gmail, Coremail, Tencent): LIST with attributes for the mailbox's use.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'XLIST',
  states: ['authenticated', 'selected'],
  requires: ['XLIST'],

  run(session, parser) {
    parser.space()
    const reference = parser.mailbox()
    parser.space()
    const pattern = parser.listMailbox()
    parser.end()
    for (const { path, attributes } of listed(session, {
      reference,
      patterns: [pattern],
      selection: [],
      options: [],
    })) {
      const use = accountOf(session).get(path)?.specialUse ?? (path === 'INBOX' ? '\\Inbox' : null)
      const plain = attributes.filter((each) => each !== use)
      const all = use === null ? plain : [...plain, session.personality.labels ? (OLD_NAMES[use] ?? use) : use]
      session.out.line(`* XLIST (${all.join(' ')}) "/" ${wireName(session, path)}`)
    }
  },
}
