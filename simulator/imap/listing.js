'use strict'

const { accountOf, wireName } = require('./mailboxes.js')
const { canonicalPath, DELIMITER } = require('../mailbox/account.js')

/*
 * Which mailboxes a LIST, XLIST or LSUB names, and with which attributes.
 */

/** @typedef {import('../mailbox/mailbox.js').Mailbox} Mailbox */
/** @typedef {{ mailbox: Mailbox | null, path: string, attributes: string[] }} Listed `mailbox` null: subscribed, but not there */

/**
 * @param {import('./session.js').Session} session
 * @param {{ reference: string, patterns: string[], selection: string[], options: string[] }} wanted
 * @returns {Listed[]}
 */
function listed(session, { reference, patterns, selection, options }) {
  const account = accountOf(session)
  const tests = patterns.map((pattern) => matcher(reference + pattern))
  const subscribed = selection.includes('SUBSCRIBED')
  const paths = new Set(account.mailboxes.keys())
  if (subscribed) for (const path of account.subscriptions) paths.add(path)
  /** @type {Listed[]} */
  const found = []
  for (const path of [...paths].sort(byName)) {
    if (!tests.some((matches) => matches(path))) continue
    const mailbox = account.get(path)
    const own = !subscribed || account.subscriptions.has(path)
    const below = subscribed && selection.includes('RECURSIVEMATCH') && hasSubscribedBelow(account, path)
    if (!own && !below) continue
    if (selection.includes('SPECIAL-USE') && (mailbox === null || mailbox.specialUse === null)) continue
    const attributes = attributesOf(session, path, mailbox)
    if (own && (subscribed || options.includes('SUBSCRIBED')) && account.subscriptions.has(path))
      attributes.push('\\Subscribed')
    found.push({ mailbox, path, attributes })
  }
  return found
}

/**
 * One mailbox's LIST response, as IMAP4rev2's SELECT has it (RFC 9051 §6.3.2).
 *
 * @param {import('./session.js').Session} session
 * @param {Mailbox} mailbox
 */
function listLine(session, mailbox) {
  const attributes = attributesOf(session, mailbox.path, mailbox)
  return `* LIST (${attributes.join(' ')}) "${DELIMITER}" ${wireName(session, mailbox.path)}`
}

/**
 * @param {import('./session.js').Session} session
 * @param {string} path
 * @param {Mailbox | null} mailbox
 */
function attributesOf(session, path, mailbox) {
  const { marked, specialUses } = session.personality
  const attributes = []
  if (mailbox === null) attributes.push('\\NonExistent')
  else if (!mailbox.selectable) attributes.push('\\Noselect')
  if (marked && mailbox?.messages.some(({ flags }) => !flags.has('\\Seen'))) attributes.push('\\Marked')
  attributes.push(accountOf(session).hasChildren(path) ? '\\HasChildren' : '\\HasNoChildren')
  if (mailbox?.specialUse && specialUses.includes(mailbox.specialUse)) attributes.push(mailbox.specialUse)
  return attributes
}

/**
 * `*` matches anything, `%` anything but the delimiter (RFC 3501 §6.3.8); INBOX matches in any case.
 *
 * @param {string} pattern
 * @returns {(path: string) => boolean}
 */
function matcher(pattern) {
  const source = canonicalPath(pattern).replace(/[*%]+|[.+?^${}()|[\]\\]/g, (run) => {
    if (run.includes('*')) return '.*'
    return run.startsWith('%') ? `[^${DELIMITER}]*` : `\\${run}`
  })
  const test = new RegExp(`^${source}$`, 's')
  const inbox = new RegExp(`^${source}$`, 'is')
  return (path) => test.test(path) || (path === 'INBOX' && inbox.test(path))
}

/**
 * @param {import('../mailbox/account.js').Account} account
 * @param {string} path
 */
function hasSubscribedBelow(account, path) {
  return [...account.subscriptions].some((each) => each.startsWith(path + DELIMITER))
}

/**
 * INBOX first, then by name.
 *
 * @param {string} a
 * @param {string} b
 */
function byName(a, b) {
  if (a === 'INBOX' || b === 'INBOX') return a === b ? 0 : a === 'INBOX' ? -1 : 1
  return a < b ? -1 : a > b ? 1 : 0
}

module.exports = { listed, listLine }
