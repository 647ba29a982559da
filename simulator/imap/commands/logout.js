'use strict'

/** RFC 3501 §6.1.3. */
module.exports = {
  name: 'LOGOUT',
  states: ['clear', 'authenticated', 'selected'],

  /** @type {import('../session.js').Handler['run']} */
  run(session, parser) {
    parser.end()
    session.unselect()
    session.out.line(`* BYE ${session.personality.texts.bye}`)
    session.closing = true
  }
}
