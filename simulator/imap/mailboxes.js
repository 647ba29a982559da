'use strict'

const { no } = require('./errors.js')
const { encodeUtf7 } = require('./utf7.js')
const { astring, string, utf8 } = require('./syntax.js')

/*
 * Mailboxes by name, for the commands that take one, and their names on the wire.
 */

/** @typedef {import('./session.js').Session} Session */

/**
 * @param {Session} session
 * @returns {import('../mailbox/account.js').Account}
 */
function accountOf(session) {
  if (session.account === null) throw no('Not authenticated')
  return session.account
}

/**
 * @param {Session} session
 * @returns {import('./view.js').View}
 */
function viewOf(session) {
  if (session.view === null) throw no('No mailbox selected')
  return session.view
}

/**
 * @param {Session} session
 * @returns {import('./view.js').View} one that may be changed
 */
function writableView(session) {
  const view = viewOf(session)
  if (view.readOnly) throw no('Mailbox is read-only', 'READ-ONLY')
  return view
}

/**
 * @param {Session} session
 * @param {string} path
 * @param {string} [code] `TRYCREATE` where the client could make it (RFC 3501 §7.1)
 */
function mailboxOf(session, path, code = 'NONEXISTENT') {
  const mailbox = accountOf(session).get(path)
  if (mailbox === null || !mailbox.selectable) throw no(session.personality.texts.noMailbox(path), code)
  return mailbox
}

/**
 * A mailbox name as the client reads names: modified UTF-7, or UTF-8 once it has enabled that (RFC 6855).
 *
 * @param {Session} session
 * @param {string} path
 */
function wireName(session, path) {
  const plain = session.personality.plainNames
  const name = plain && path === 'INBOX' ? 'Inbox' : path
  if (session.utf8Names) return `"${utf8(name).replace(/["\\]/g, '\\$&')}"`
  const wire = encodeUtf7(name)
  return plain ? astring(wire) : string(wire)
}

module.exports = { accountOf, mailboxOf, viewOf, wireName, writableView }
