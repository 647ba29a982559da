'use strict'

const { accountOf, writableView } = require('../mailboxes.js')
const { changeLabels } = require('../../mailbox/labels.js')
const { decodeUtf7 } = require('../utf7.js')
const { bad } = require('../errors.js')
const { tellNewKeywords } = require('../flags.js')
const { formatSet } = require('../set.js')
const { respond } = require('../fetch/respond.js')

/**
 * STORE and UID STORE (RFC 3501 §6.4.6), with UNCHANGEDSINCE (RFC 7162 §3.1.3) and X-GM-LABELS.
 *
 *     store = "STORE" SP sequence-set [SP "(" "UNCHANGEDSINCE" SP mod-sequence-valzer ")"] SP store-att-flags
 *     store-att-flags = (["+" / "-"] "FLAGS" [".SILENT"]) SP (flag-list / (flag *(SP flag)))
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'STORE',
  states: ['selected'],
  uid: true,
  holdsExpunge: true,

  async run(session, parser, { uid }) {
    parser.space()
    const set = parser.set()
    parser.space()
    const unchangedSince = parser.looksAt('(') ? readUnchangedSince(session, parser) : null
    const { how, what, silent } = readAttribute(session, parser)
    const values = readValues(session, parser, what)
    parser.end()
    const view = writableView(session)
    const found = view.resolve(set, uid)
    const passes = (/** @type {number} */ modseq) => unchangedSince === null || modseq <= unchangedSince
    const passed = found.filter(([, { modseq }]) => passes(modseq))
    const failed = found.filter(([, { modseq }]) => !passes(modseq))
    const messages = passed.map(([, message]) => message)
    change(session, messages, how, what, values)
    tellNewKeywords(session, view)

    const condstore = session.enabled.has('CONDSTORE')
    const items = [uid ? 'UID' : '', silent ? '' : what, condstore ? 'MODSEQ' : ''].filter(Boolean).map(item)
    for (const [sequence, message] of silent && !condstore ? [] : passed) {
      respond(session, view, sequence, message, items)
      if (session.out.full) await session.out.drain()
    }
    if (failed.length === 0) return
    return { code: `MODIFIED ${formatSet(failed.map(([sequence, message]) => (uid ? message.uid : sequence)))}` }
  },
}

/** @param {string} name */
function item(name) {
  return { name, section: null, partial: null, peek: true }
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readUnchangedSince(session, parser) {
  let modseq = 0
  parser.list(() => {
    const word = parser.word()
    if (word !== 'UNCHANGEDSINCE' || !session.offers('CONDSTORE')) throw bad(`Unknown modifier ${word}`)
    parser.space()
    modseq = parser.number()
  })
  parser.space()
  session.enabled.add('CONDSTORE')
  return modseq
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @returns {{ how: 'add' | 'remove' | 'set', what: string, silent: boolean }}
 */
function readAttribute(session, parser) {
  const how = parser.skip('+') ? 'add' : parser.skip('-') ? 'remove' : 'set'
  const word = parser.word()
  const silent = word.endsWith('.SILENT')
  const what = silent ? word.slice(0, -7) : word
  const known = what === 'FLAGS' || (what === 'X-GM-LABELS' && session.offers('X-GM-EXT-1'))
  if (!known) throw bad(`Unknown item ${word}`)
  return { how, what, silent }
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @param {string} what
 */
function readValues(session, parser, what) {
  parser.space()
  const one = what === 'FLAGS' ? () => parser.flag() : () => readLabel(parser)
  if (parser.looksAt('(')) return parser.list(one)
  const values = [one()]
  while (parser.skip(' ')) values.push(one())
  return values
}

/** @param {import('../parser.js').Parser} parser */
function readLabel(parser) {
  if (parser.looksAt('\\')) return parser.flag()
  const wire = parser.astring()
  return decodeUtf7(wire) ?? wire
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../../mailbox/mailbox.js').Message[]} messages
 * @param {'add' | 'remove' | 'set'} how
 * @param {string} what
 * @param {string[]} values
 */
function change(session, messages, how, what, values) {
  const { mailbox } = writableView(session)
  if (what !== 'FLAGS') {
    changeLabels(accountOf(session), mailbox, messages, how, values, session)
    return
  }
  const { flags, keywords } = session.personality
  const allowed = keywords
    ? values
    : values.filter((flag) => flags.some((each) => each.toLowerCase() === flag.toLowerCase()))
  accountOf(session).changeFlags(mailbox, messages, how, allowed, session)
}
