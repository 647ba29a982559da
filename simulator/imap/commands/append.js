'use strict'

const { accountOf, mailboxOf } = require('../mailboxes.js')
const { bad, no } = require('../errors.js')

/**
 * RFC 3501 §6.3.11, with APPENDUID (RFC 4315), APPENDLIMIT (RFC 7889), literal8 (RFC 3516) and UTF8 (RFC 6855).
 *
 *     append = "APPEND" SP mailbox [SP flag-list] [SP date-time] SP (literal / literal8 / "UTF8" SP "(" literal8 ")")
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'APPEND',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const path = parser.mailbox()
    parser.space()
    const flags = parser.looksAt('(') ? parser.list(() => parser.flag()) : []
    if (flags.length > 0 || parser.looksAt(' ')) parser.space()
    const internalDate = parser.looksAt('"') ? readDate(parser) : new Date()
    const data = readMessage(session, parser)
    parser.end()
    const mailbox = mailboxOf(session, path, 'TRYCREATE')
    const account = accountOf(session)
    if (data.length === 0) throw no("Can't save a zero byte message")
    const limit = session.appendLimit
    if (limit !== null && data.length > limit) throw no('Message is too big', 'TOOBIG')
    if (account.quota !== null && account.usage() + data.length > account.quota) throw no('Quota exceeded', 'OVERQUOTA')
    const kept = session.personality.keywords ? flags : flags.filter((flag) => session.personality.flags.includes(flag))
    const { uid } = account.deliver(data, { mailbox: mailbox.path, flags: kept, internalDate }, session)
    return { code: session.offers('UIDPLUS') ? `APPENDUID ${mailbox.uidValidity} ${uid}` : null }
  },
}

/** @param {import('../parser.js').Parser} parser */
function readDate(parser) {
  const date = parser.dateTime()
  parser.space()
  return date
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readMessage(session, parser) {
  const wrapped = parser.looksAt('UTF8 (')
  if (wrapped && !session.enabled.has('UTF8=ACCEPT')) throw bad('UTF8=ACCEPT is not enabled')
  if (wrapped) parser.expect('UTF8 (')
  const { data, binary } = parser.literal()
  if (wrapped) parser.expect(')')
  // RFC 6855 brings its own literal8.
  if (binary && !wrapped && !session.offers('BINARY')) throw bad('literal8 is not supported')
  return data
}
