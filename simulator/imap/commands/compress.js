'use strict'

const { bad, no } = require('../errors.js')

/**
 * RFC 4978.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'COMPRESS',
  states: ['authenticated', 'selected'],
  requires: ['COMPRESS=DEFLATE'],

  run(session, parser) {
    parser.space()
    if (parser.atom().toUpperCase() !== 'DEFLATE') throw bad('Unknown compression')
    parser.end()
    if (session.transport.inflate !== null) throw no('Compression is active already', 'COMPRESSIONACTIVE')
    return { text: 'Begin compression.', after: () => session.transport.compress() }
  },
}
