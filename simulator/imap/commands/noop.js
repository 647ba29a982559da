'use strict'

/**
 * RFC 3501 §6.1.2: the session tells what is new at the end of every command; this is the command for just that.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'NOOP',
  states: ['clear', 'authenticated', 'selected'],

  run(session, parser) {
    parser.end()
  },
}
