'use strict'

/**
 * RFC 3501 §6.1.3.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'LOGOUT',
  states: ['clear', 'authenticated', 'selected'],

  run(session, parser) {
    parser.end()
    session.unselect()
    session.out.line(`* BYE ${session.personality.texts.bye}`)
    session.closing = true
  },
}
