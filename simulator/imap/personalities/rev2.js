'use strict'

const standard = require('./default.js')

/*
 * The default with IMAP4rev2 (RFC 9051): once the client enables it, or at once where IMAP4rev1 is not offered, mailbox
 * names are UTF-8, SEARCH answers with ESEARCH, SELECT tells the mailbox's LIST, and \Recent does not exist.
 */

/** @param {string[]} words */
function withRev2(words) {
  return ['IMAP4rev2', ...words]
}

/** @type {import('./default.js').Personality} */
const personality = {
  ...standard,
  name: 'rev2',
  capabilities: {
    before: withRev2(standard.capabilities.before),
    after: withRev2(standard.capabilities.after),
  },
}

module.exports = personality
