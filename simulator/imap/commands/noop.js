'use strict'

/** RFC 3501 §6.1.2: the session tells what is new at the end of every command; this is the command for just that. */
module.exports = {
  name: 'NOOP',
  states: ['clear', 'authenticated', 'selected'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.end()
  }
}
