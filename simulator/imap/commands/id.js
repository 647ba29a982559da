'use strict'

const { quoted } = require('../syntax.js')

/**
 * RFC 2971.
 *
 *     id = "ID" SP id-params-list;  id-params-list = "(" #(string SP nstring) ")" / nil
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'ID',
  states: ['clear', 'authenticated', 'selected'],
  requires: ['ID'],

  run(session, parser) {
    parser.space()
    if (!parser.skip('NIL')) {
      parser.list(() => {
        parser.string()
        parser.space()
        return parser.nstring()
      })
    }
    parser.end()
    session.identified = true
    const own = Object.entries(session.personality.id ?? {})
    const list = own.map(([key, value]) => `${quoted(key)} ${quoted(value)}`).join(' ')
    session.out.line(`* ID ${list === '' ? 'NIL' : `(${list})`}`)
  },
}
