'use strict'

/** RFC 2342: everything is personal, below nothing. */
module.exports = {
  name: 'NAMESPACE',
  states: ['authenticated', 'selected'],
  requires: ['NAMESPACE'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.end()
    session.out.line('* NAMESPACE (("" "/")) NIL NIL')
  }
}
