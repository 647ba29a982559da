'use strict'

/**
 * RFC 2342: everything is personal, below nothing.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'NAMESPACE',
  states: ['authenticated', 'selected'],
  requires: ['NAMESPACE'],

  run(session, parser) {
    parser.end()
    session.out.line('* NAMESPACE (("" "/")) NIL NIL')
  },
}
