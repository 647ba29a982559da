'use strict'

const { listed } = require('../listing.js')
const { bad } = require('../errors.js')
const { readItems, statusLine } = require('../status.js')
const { wireName } = require('../mailboxes.js')

/**
 * LIST (RFC 3501 §6.3.8), extended (RFC 5258), with SPECIAL-USE (RFC 6154) and STATUS (RFC 5819).
 *
 *     list = "LIST" [SP "(" [selection *(SP selection)] ")"] SP mailbox SP (list-mailbox / "(" list-mailbox *(SP list-mailbox) ")")
 *            [SP "RETURN" SP "(" [return *(SP return)] ")"]
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'LIST',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    const extended = session.offers('LIST-EXTENDED') || session.offers('SPECIAL-USE')
    parser.space()
    const selection = extended && parser.looksAt('(') ? readSelection(parser) : []
    const reference = parser.mailbox()
    parser.space()
    const many = extended && parser.looksAt('(')
    const patterns = many ? parser.list(() => parser.listMailbox()) : [parser.listMailbox()]
    const wanted = extended && !parser.done ? readReturn(session, parser) : { options: [], status: null }
    parser.end()
    if (patterns.length === 1 && patterns[0] === '' && !many) {
      session.out.line('* LIST (\\Noselect) "/" ""')
      return
    }
    const options = wanted.options
    for (const { mailbox, path, attributes } of listed(session, { reference, patterns, selection, options })) {
      session.out.line(`* LIST (${attributes.join(' ')}) "/" ${wireName(session, path)}`)
      if (wanted.status !== null && mailbox?.selectable) session.out.line(statusLine(session, mailbox, wanted.status))
    }
  },
}

const SELECTIONS = ['SUBSCRIBED', 'REMOTE', 'RECURSIVEMATCH', 'SPECIAL-USE']

/** @param {import('../parser.js').Parser} parser */
function readSelection(parser) {
  const words = parser.list(() => parser.word())
  const unknown = words.find((word) => !SELECTIONS.includes(word))
  if (unknown !== undefined) throw bad(`Unknown selection option ${unknown}`)
  if (words.includes('RECURSIVEMATCH') && !words.includes('SUBSCRIBED'))
    throw bad('RECURSIVEMATCH needs another option')
  parser.space()
  return words
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readReturn(session, parser) {
  parser.space()
  parser.expect('RETURN')
  parser.space()
  /** @type {string[] | null} */
  let status = null
  const options = parser.list(() => {
    const word = parser.word()
    if (word === 'STATUS' && session.offers('LIST-STATUS')) {
      parser.space()
      status = readItems(session, parser)
    } else if (!['SUBSCRIBED', 'CHILDREN', 'SPECIAL-USE'].includes(word)) throw bad(`Unknown return option ${word}`)
    return word
  })
  return { options, status: /** @type {string[] | null} */ (status) }
}
