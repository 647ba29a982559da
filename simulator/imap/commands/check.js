'use strict'

/** RFC 3501 §6.4.1: nothing to write out in memory. */
module.exports = {
  name: 'CHECK',
  states: ['selected'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.end()
  }
}
