'use strict'

const { viewOf } = require('../mailboxes.js')
const { bad, no } = require('../errors.js')
const { formatSet } = require('../set.js')
const { readKeys } = require('../search/keys.js')

/**
 * SEARCH and UID SEARCH (RFC 3501 §6.4.4), with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), MODSEQ (RFC 7162 §3.1.5).
 *
 *     search = "SEARCH" [SP "RETURN" SP "(" [return-opt *(SP return-opt)] ")"] [SP "CHARSET" SP astring] 1*(SP search-key)
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'SEARCH',
  states: ['selected'],
  uid: true,
  holdsExpunge: true,

  run(session, parser, { uid, tag }) {
    const view = viewOf(session)
    parser.space()
    const asked = parser.looksAt('RETURN ') ? readReturn(session, parser) : null
    // IMAP4rev2 has no other answer than ESEARCH.
    const wanted = asked ?? (session.rev2 ? ['ALL'] : null)
    const charset = parser.looksAt('CHARSET ') ? readCharset(session, parser) : 'UTF-8'
    const context = { session, view, parser, charset, modseq: false, now: Date.now() }
    const test = readKeys(context)
    parser.end()
    /** @type {Array<[number, import('../../mailbox/mailbox.js').Message]>} */
    const found = []
    view.messages.forEach((message, index) => {
      if (!test(message)) return
      if (view.exists(message)) found.push([index + 1, message])
      else view.expungeIssued = true
    })
    const numbers = found.map(([sequence, message]) => (uid ? message.uid : sequence))
    const highest = context.modseq ? Math.max(0, ...found.map(([, { modseq }]) => modseq)) : 0
    if (wanted?.includes('SAVE')) view.saved = new Set(found.map(([, message]) => message))
    if (wanted === null) {
      const list = numbers.length === 0 ? '' : ` ${numbers.join(' ')}`
      session.out.line(`* SEARCH${list}${highest > 0 ? ` (MODSEQ ${highest})` : ''}`)
      return
    }
    if (wanted.length > 1 || wanted[0] !== 'SAVE') session.out.line(extended(tag, uid, wanted, numbers, highest))
  },
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @returns {string[]}
 */
function readReturn(session, parser) {
  if (!session.offers('ESEARCH')) throw bad('Unknown search key RETURN')
  parser.expect('RETURN ')
  const options = parser.list(() => parser.word())
  const known = session.offers('SEARCHRES') ? [...RESULTS, 'SAVE'] : RESULTS
  const unknown = options.find((option) => !known.includes(option))
  if (unknown !== undefined) throw bad(`Unknown return option ${unknown}`)
  parser.space()
  return options.length === 0 ? ['ALL'] : options
}

const RESULTS = ['MIN', 'MAX', 'ALL', 'COUNT']

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readCharset(session, parser) {
  parser.expect('CHARSET ')
  const charset = parser.astring().toUpperCase()
  const { charsets } = session.personality
  if (!charsets.includes(charset))
    throw no('The specified charset is not supported.', `BADCHARSET (${charsets.join(' ')})`)
  parser.space()
  return charset
}

/**
 *     esearch-response = "ESEARCH" SP "(" "TAG" SP string ")" [SP "UID"] *(SP search-return-data)
 *
 * @param {string} tag
 * @param {boolean} uid
 * @param {string[]} wanted
 * @param {number[]} numbers
 * @param {number} highest
 */
function extended(tag, uid, wanted, numbers, highest) {
  const parts = [`* ESEARCH (TAG "${tag}")`]
  if (uid) parts.push('UID')
  if (numbers.length > 0) {
    if (wanted.includes('MIN')) parts.push(`MIN ${numbers[0]}`)
    if (wanted.includes('MAX')) parts.push(`MAX ${numbers[numbers.length - 1]}`)
    if (wanted.includes('ALL')) parts.push(`ALL ${formatSet(numbers)}`)
  }
  if (wanted.includes('COUNT')) parts.push(`COUNT ${numbers.length}`)
  if (highest > 0) parts.push(`MODSEQ ${highest}`)
  return parts.join(' ')
}
