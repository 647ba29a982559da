'use strict'

const { accountOf, viewOf } = require('../mailboxes.js')
const { bad, no } = require('../errors.js')
const { hits } = require('../faults.js')
const { formatSet } = require('../set.js')
const { readItems } = require('../fetch/items.js')
const { respond } = require('../fetch/respond.js')
const { vanishedSince } = require('../vanished.js')

/**
 * FETCH and UID FETCH (RFC 3501 §6.4.5, §6.4.8), with CHANGEDSINCE and VANISHED (RFC 7162 §3.1.4.1, §3.2.6).
 *
 *     fetch = "FETCH" SP sequence-set SP (macro / fetch-att / "(" fetch-att *(SP fetch-att) ")") [SP "(" modifier *(SP modifier) ")"]
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'FETCH',
  states: ['selected'],
  uid: true,
  holdsExpunge: true,

  async run(session, parser, { uid }) {
    parser.space()
    const set = parser.set()
    parser.space()
    const items = readItems(session, parser)
    const modifiers = parser.done ? null : (parser.space(), readModifiers(session, parser, uid))
    parser.end()
    const view = viewOf(session)
    if (uid) include(items, 'UID')
    if (modifiers !== null) include(items, 'MODSEQ')
    if (items.some(({ name }) => name === 'MODSEQ')) session.enabled.add('CONDSTORE')
    const found = view.resolve(set, uid)
    const since = modifiers?.changedSince ?? null
    if (modifiers?.vanished && since !== null) {
      const gone = vanishedSince(view, since, set)
      if (gone.length > 0) session.out.line(`* VANISHED (EARLIER) ${formatSet(gone)}`)
    }
    const chosen = since === null ? found : found.filter(([, message]) => message.modseq > since)
    const withFlags = items.some(({ peek }) => !peek) && !view.readOnly ? markSeen(session, chosen) : new Set()
    await send(session, view, chosen, items, withFlags)
  },
}

/** @typedef {import('../../mailbox/mailbox.js').Message} Message */
/** @typedef {import('../fetch/items.js').Item} Item */

/**
 * @param {Item[]} items
 * @param {string} name
 */
function include(items, name) {
  if (!items.some((item) => item.name === name)) items.unshift({ name, section: null, partial: null, peek: true })
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 * @param {boolean} uid
 */
function readModifiers(session, parser, uid) {
  let changedSince = 0
  let vanished = false
  parser.list(() => {
    const word = parser.word()
    if (word === 'CHANGEDSINCE' && session.offers('CONDSTORE')) {
      parser.space()
      changedSince = parser.number()
    } else if (word === 'VANISHED' && uid && session.enabled.has('QRESYNC')) vanished = true
    else throw bad(`Unknown modifier ${word}`)
  })
  if (changedSince === 0) throw bad('CHANGEDSINCE expected')
  return { changedSince, vanished }
}

/**
 * Bodies that are not peeked at become read; what changed is told in the same response.
 *
 * @param {import('../session.js').Session} session
 * @param {Array<[number, Message]>} chosen
 * @returns {Set<Message>}
 */
function markSeen(session, chosen) {
  const { mailbox } = viewOf(session)
  const messages = chosen.map(([, message]) => message)
  return new Set(accountOf(session).changeFlags(mailbox, messages, 'add', ['\\Seen'], session))
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../view.js').View} view
 * @param {Array<[number, Message]>} chosen
 * @param {Item[]} items
 * @param {Set<Message>} withFlags
 */
async function send(session, view, chosen, items, withFlags) {
  const expireAfter = session.shared.faults.takeExpireAfterMessages(session.account?.user ?? null)
  const flagged = items.some(({ name }) => name === 'FLAGS') ? items : [...items, FLAGS]
  let sent = 0
  for (const [sequence, message] of chosen) {
    if (poisoned(session, message, items)) return
    const wanted = withFlags.has(message) ? flagged : items
    respond(session, view, sequence, message, wanted)
    if (hits(session.faults.duplicateRows, message.uid)) respond(session, view, sequence, message, wanted)
    sent++
    if (expireAfter !== null && sent >= expireAfter) {
      session.kill(session.faults.expireWithoutBye ? null : session.personality.texts.expired)
    }
    if (session.out.full) await session.out.drain()
    if (session.stopped) return
  }
}

/**
 * The body of a message that the server cannot give: a refusal, or the end of the session (then true).
 *
 * @param {import('../session.js').Session} session
 * @param {Message} message
 * @param {Item[]} items
 */
function poisoned(session, { uid }, items) {
  const { refuseFetch, dropFetch } = session.faults
  if (items.some(({ name }) => name === 'BINARY[')) {
    if (hits(session.faults.refuseBinary, uid)) throw no('Unknown Content-Transfer-Encoding', 'UNKNOWN-CTE')
    if (hits(session.faults.dropBinary, uid)) {
      session.kill('FETCH failed: Internal error occurred.')
      return true
    }
  }
  if (!items.some(({ section }) => section !== null && section.what !== 'HEADER.FIELDS')) return false
  if (hits(refuseFetch, uid)) throw no('The requested message could not be converted to an RFC-822 compatible format.')
  if (!hits(dropFetch, uid)) return false
  session.kill(null)
  return true
}

/** @type {Item} */
const FLAGS = { name: 'FLAGS', section: null, partial: null, peek: true }
