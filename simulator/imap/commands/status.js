'use strict'

const { mailboxOf } = require('../mailboxes.js')
const { readItems, statusLine } = require('../status.js')

/**
 * RFC 3501 §6.3.10, with STATUS=SIZE (RFC 8438), CONDSTORE (RFC 7162), OBJECTID (RFC 8474), APPENDLIMIT (RFC 7889).
 *
 *     status = "STATUS" SP mailbox SP "(" status-att *(SP status-att) ")"
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'STATUS',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const path = parser.mailbox()
    parser.space()
    const items = readItems(session, parser)
    parser.end()
    session.out.line(statusLine(session, mailboxOf(session, path), items))
  },
}
