'use strict'

const { bad } = require('./errors.js')
const { wireName } = require('./mailboxes.js')

/*
 * The STATUS response, which STATUS and LIST … RETURN (STATUS …) (RFC 5819) share.
 */

/** The items, and the capability that brings each. @type {Record<string, string | null>} */
const ITEMS = {
  MESSAGES: null,
  RECENT: null,
  UIDNEXT: null,
  UIDVALIDITY: null,
  UNSEEN: null,
  SIZE: 'STATUS=SIZE',
  DELETED: 'STATUS=SIZE',
  HIGHESTMODSEQ: 'CONDSTORE',
  MAILBOXID: 'OBJECTID',
  APPENDLIMIT: 'APPENDLIMIT',
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./parser.js').Parser} parser
 * @returns {string[]}
 */
function readItems(session, parser) {
  const items = parser.list(() => parser.word())
  for (const item of items) {
    const needed = ITEMS[item]
    const offered =
      needed === null ||
      session.personality.capabilities.after.some((word) => word.split('=')[0] === needed || word === needed)
    if (needed === undefined || !offered) throw bad(`Unknown status item ${item}`)
    // RFC 7162 §3.1: asking for it switches CONDSTORE on.
    if (item === 'HIGHESTMODSEQ') session.enabled.add('CONDSTORE')
  }
  if (items.length === 0) throw bad('Empty status list')
  return items
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('../mailbox/mailbox.js').Mailbox} mailbox
 * @param {string[]} items
 */
function statusLine(session, mailbox, items) {
  const counts = mailbox.status()
  const { uidNextOffset, noHighestModseq } = session.faults
  /** @type {Record<string, string | number>} */
  const values = {
    MESSAGES: counts.messages,
    RECENT: counts.recent,
    UIDNEXT: mailbox.uidNext + uidNextOffset,
    UIDVALIDITY: mailbox.uidValidity,
    UNSEEN: counts.unseen,
    SIZE: counts.size,
    DELETED: counts.deleted,
    HIGHESTMODSEQ: noHighestModseq ? 0 : mailbox.highestModseq,
    MAILBOXID: `(${mailbox.mailboxId})`,
    APPENDLIMIT: session.appendLimit ?? 'NIL',
  }
  const list = items.map((item) => `${item} ${values[item]}`).join(' ')
  return `* STATUS ${wireName(session, mailbox.path)} (${list})`
}

module.exports = { readItems, statusLine }
