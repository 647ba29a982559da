'use strict'

/**
 * RFC 3501 §6.1.1.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'CAPABILITY',
  states: ['clear', 'authenticated', 'selected'],

  run(session, parser) {
    parser.end()
    session.out.line(`* CAPABILITY ${session.capabilities.join(' ')}`)
  },
}
