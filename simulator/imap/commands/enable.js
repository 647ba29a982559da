'use strict'

/** RFC 5161: what is unknown is passed over; QRESYNC brings CONDSTORE with it (RFC 7162 §3.2.3). */
const KNOWN = ['CONDSTORE', 'QRESYNC', 'UTF8=ACCEPT', 'IMAP4rev2']

/** @type {import('../dispatch.js').Handler} */
module.exports = {
  name: 'ENABLE',
  states: ['authenticated', 'selected'],
  requires: ['ENABLE'],

  run(session, parser) {
    const wanted = []
    do {
      parser.space()
      wanted.push(parser.atom().toUpperCase())
    } while (!parser.done)
    const enabled = KNOWN.filter((word) => wanted.includes(word.toUpperCase()) && session.offers(word))
    for (const word of enabled) session.enabled.add(word.toUpperCase())
    if (enabled.includes('QRESYNC')) session.enabled.add('CONDSTORE')
    session.out.line(['* ENABLED', ...enabled].join(' '))
  },
}
