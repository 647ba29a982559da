'use strict'

const { accountOf, mailboxOf, wireName } = require('../mailboxes.js')
const { no } = require('../errors.js')

/**
 * RFC 9208, as far as reading goes: one root, named "", with its storage in units of 1024 octets.
 */
const ROOT = '""'

/** @type {import('../dispatch.js').Handler} */
const getQuota = {
  name: 'GETQUOTA',
  states: ['authenticated', 'selected'],
  requires: ['QUOTA'],
  run(session, parser) {
    parser.space()
    if (parser.astring() !== '') throw no('No such quota root', 'NONEXISTENT')
    parser.end()
    session.out.line(quotaLine(session))
  },
}

/** @type {import('../dispatch.js').Handler} */
const getQuotaRoot = {
  name: 'GETQUOTAROOT',
  states: ['authenticated', 'selected'],
  requires: ['QUOTA'],
  run(session, parser) {
    parser.space()
    const mailbox = mailboxOf(session, parser.mailbox())
    parser.end()
    session.out.line(`* QUOTAROOT ${wireName(session, mailbox.path)} ${ROOT}`)
    session.out.line(quotaLine(session))
  },
}

/** @param {import('../session.js').Session} session */
function quotaLine(session) {
  const account = accountOf(session)
  if (account.quota === null) return `* QUOTA ${ROOT} ()`
  return `* QUOTA ${ROOT} (STORAGE ${Math.ceil(account.usage() / 1024)} ${Math.floor(account.quota / 1024)})`
}

module.exports = { getQuota, getQuotaRoot }
