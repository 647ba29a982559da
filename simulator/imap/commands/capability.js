'use strict'

/** RFC 3501 §6.1.1. */
module.exports = {
  name: 'CAPABILITY',
  states: ['clear', 'authenticated', 'selected'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.end()
    session.out.line(`* CAPABILITY ${session.capabilities.join(' ')}`)
  }
}
