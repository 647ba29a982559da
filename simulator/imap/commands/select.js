'use strict'

const { mailboxOf } = require('../mailboxes.js')
const { bad, no } = require('../errors.js')
const { vanishedSince } = require('../vanished.js')
const { flagLists } = require('../flags.js')
const { listLine } = require('../listing.js')
const { formatSet, parseSet } = require('../set.js')

/**
 * SELECT and EXAMINE (RFC 3501 §6.3.1, §6.3.2), with CONDSTORE and QRESYNC (RFC 7162 §3.1.8, §3.2.5).
 *
 *     select = ("SELECT" / "EXAMINE") SP mailbox [SP "(" select-param *(SP select-param) ")"]
 *     select-param = "CONDSTORE" / "QRESYNC" SP "(" uidvalidity SP mod-sequence-value [SP known-uids] [SP seq-match-data] ")"
 *
 * @param {'SELECT' | 'EXAMINE'} name
 * @returns {import('../dispatch.js').Handler}
 */
function opener(name) {
  const readOnly = name === 'EXAMINE'
  return {
    name,
    states: ['authenticated', 'selected'],
    run(session, parser) {
      parser.space()
      const path = parser.mailbox()
      const parameters = parser.done ? null : (parser.space(), readParameters(session, parser))
      parser.end()
      if (session.personality.needsId && !session.identified) {
        throw no(`${name} Unsafe Login. Please contact kefu@188.com for help`)
      }
      if (session.view !== null) {
        session.unselect()
        if (session.offers('CONDSTORE') || session.rev2) session.out.line('* OK [CLOSED] Previous mailbox closed.')
      }
      const mailbox = mailboxOf(session, path)
      if (parameters !== null) session.enabled.add('CONDSTORE')
      const view = session.select(mailbox, readOnly)
      announce(session, view)
      if (parameters?.qresync) resynchronize(session, view, parameters.qresync)
      return { code: readOnly ? 'READ-ONLY' : 'READ-WRITE' }
    },
  }
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readParameters(session, parser) {
  /** @type {Resync | null} */
  let qresync = null
  parser.list(() => {
    const word = parser.word()
    if (word === 'CONDSTORE' && session.offers('CONDSTORE')) return
    if (word !== 'QRESYNC' || !session.offers('QRESYNC')) throw bad(`Unknown parameter ${word}`)
    if (!session.enabled.has('QRESYNC')) throw bad('QRESYNC is not enabled')
    parser.space()
    qresync = readResync(parser)
  })
  return { qresync }
}

/** @typedef {{ uidValidity: number, modseq: number, known: import('../set.js').NumberSet | null }} Resync */

/**
 * @param {import('../parser.js').Parser} parser
 * @returns {Resync}
 */
function readResync(parser) {
  parser.expect('(')
  const uidValidity = parser.number()
  parser.space()
  const modseq = parser.number()
  let known = null
  while (parser.skip(' ')) {
    if (!parser.looksAt('(')) {
      known = parser.set()
      continue
    }
    // seq-match-data only saves bandwidth; a server may leave it unused (RFC 7162 §3.2.5.2).
    parser.expect('(')
    parser.set()
    parser.space()
    parser.set()
    parser.expect(')')
  }
  parser.expect(')')
  return { uidValidity, modseq, known }
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../view.js').View} view
 */
function announce(session, view) {
  const { selectOrder, texts } = session.personality
  const { mailbox } = view
  const { known, permanent } = flagLists(session.personality, view)
  const unseen = view.messages.findIndex((message) => !message.flags.has('\\Seen'))
  const modseq = session.offers('CONDSTORE')
  /** @type {Record<string, () => string | null>} */
  const lines = {
    FLAGS: () => `FLAGS ${known}`,
    PERMANENTFLAGS: () => code('PERMANENTFLAGS', permanent),
    EXISTS: () => `${view.messages.length} EXISTS`,
    RECENT: () => (view.knowsRecent ? `${view.recent.size} RECENT` : null),
    UNSEEN: () => (unseen === -1 || session.rev2 ? null : code('UNSEEN', unseen + 1)),
    UIDVALIDITY: () => code('UIDVALIDITY', mailbox.uidValidity),
    UIDNEXT: () => code('UIDNEXT', mailbox.uidNext + session.faults.uidNextOffset),
    HIGHESTMODSEQ: () => (modseq ? highest() : null),
    MAILBOXID: () => (session.offers('OBJECTID') ? code('MAILBOXID', `(${mailbox.mailboxId})`) : null),
  }
  if (session.rev2) session.out.line(listLine(session, mailbox))
  for (const word of selectOrder) {
    const line = lines[word]()
    if (line !== null) session.out.line(`* ${line.trimEnd()}`)
  }

  /**
   * @param {string} word
   * @param {string | number} value
   */
  function code(word, value) {
    return `OK [${word} ${value}] ${texts.select[word] ?? ''}`
  }

  function highest() {
    if (session.faults.noHighestModseq) return 'OK [NOMODSEQ] Sorry, no mod-sequences'
    return code('HIGHESTMODSEQ', mailbox.highestModseq)
  }
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../view.js').View} view
 * @param {Resync} resync
 */
function resynchronize(session, view, { uidValidity, modseq, known }) {
  if (uidValidity !== view.mailbox.uidValidity) return
  const gone = vanishedSince(view, modseq, known ?? parseSet('1:*'))
  if (gone.length > 0) session.out.line(`* VANISHED (EARLIER) ${formatSet(gone)}`)
  const members = known === null ? null : view.members(known, true)
  view.messages.forEach((message, index) => {
    if (message.modseq <= modseq || (members !== null && !members.has(message))) return
    session.out.line(
      `* ${index + 1} FETCH (UID ${message.uid} FLAGS ${view.flagList(message)} MODSEQ (${message.modseq}))`,
    )
  })
}

module.exports = { examine: opener('EXAMINE'), select: opener('SELECT') }
