'use strict'

/**
 * RFC 3501 §6.4.1: nothing to write out in memory.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'CHECK',
  states: ['selected'],

  run(session, parser) {
    parser.end()
  },
}
