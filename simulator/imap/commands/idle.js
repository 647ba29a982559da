'use strict'

const { bad } = require('../errors.js')

/**
 * RFC 2177: the view's news go out as they come, until DONE.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'IDLE',
  states: ['authenticated', 'selected'],
  requires: ['IDLE'],

  async run(session, parser) {
    parser.end()
    if (session.personality.existsBeforeIdle) session.flush()
    session.out.line(`+ ${session.personality.texts.idle}`)
    session.flush()
    await session.out.drain()
    session.idling = true
    try {
      const line = await session.reader.line()
      if (line !== null && line.toUpperCase() !== 'DONE') throw bad('DONE expected')
    } finally {
      session.idling = false
    }
  },
}
