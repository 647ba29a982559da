'use strict'

const { layouts } = require('../layouts.js')
const { ownPerson } = require('./people.js')
const { plan } = require('./plan.js')
const { Random } = require('./random.js')

/*
 * Made-up mail: some hundred letters of an office, in five languages and eight charsets, the same for the same
 * arguments. Anything that wants realistic mail can take it from here, a real server included.
 */

/**
 * @typedef {object} MadeMail
 * @property {Buffer} raw
 * @property {string[]} flags
 * @property {Date} internalDate
 * @property {string} mailbox the path in Outlook's layout
 * @property {string | null} specialUse of that mailbox, for other layouts
 */

/**
 * @typedef {object} MakeOptions
 * @property {number} [count]
 * @property {Date} [now] the newest mail is from shortly before
 * @property {string} [user] whose mailbox it is
 * @property {string} [name] that user's name
 * @property {number} [days] how far back
 * @property {number} [seed] another mailbox of the same kind
 */

const DEFAULT_USER = 'alex.kim@contoso.example'

/**
 * @param {MakeOptions} [options]
 * @returns {Generator<MadeMail>} oldest first
 */
function* makeMails({ count = 300, now = new Date(), user = DEFAULT_USER, name, days = 90, seed = 1 } = {}) {
  const owner = ownPerson(user, name)
  const flagging = new Random(seed + 77)
  for (const { mail, compose, specialUse, path, answered } of plan(new Random(seed), { count, owner, now, days })) {
    const age = (now.getTime() - mail.date.getTime()) / 86_400_000
    const internalDate = new Date(Math.min(mail.date.getTime() + flagging.integer(1, 40) * 1000, now.getTime()))
    const flags = flagsOf(flagging, { specialUse, answered, age })
    yield { raw: compose(), flags, internalDate, mailbox: path ?? pathOf(specialUse), specialUse }
  }
}

/**
 * Fills an account.
 *
 * @param {import('../store.js').Store} store
 * @param {string | import('../account.js').Account} account
 * @param {Omit<MakeOptions, 'user'>} [options]
 * @returns {number} how many mails there are now
 */
function seed(store, account, options = {}) {
  const target = typeof account === 'string' ? store.account(account) : account
  let filed = 0
  for (const { raw, flags, internalDate, mailbox, specialUse } of makeMails({ ...options, user: target.user })) {
    // A special use that this layout lacks, or a folder of another layout: INBOX.
    const path = target.get(mailbox)?.selectable ? mailbox : 'INBOX'
    target.deliver(raw, { mailbox: path, specialUse: specialUse ?? undefined, flags, internalDate })
    filed++
  }
  return filed
}

/**
 * Old mail is read, new mail mostly is not.
 *
 * @param {Random} random
 * @param {{ specialUse: string | null, answered: boolean, age: number }} facts
 */
function flagsOf(random, { specialUse, answered, age }) {
  const read = random.chance(age > 14 ? 0.93 : age > 3 ? 0.7 : 0.35)
  const flagged = random.chance(0.05)
  const forwarded = random.chance(0.03)
  if (specialUse === '\\Drafts') return ['\\Seen', '\\Draft']
  if (specialUse === '\\Sent') return ['\\Seen']
  const flags = []
  if (read || answered) flags.push('\\Seen')
  if (answered) flags.push('\\Answered')
  if (flagged) flags.push('\\Flagged')
  if (forwarded && read) flags.push('$Forwarded')
  return flags
}

/** @param {string | null} specialUse */
function pathOf(specialUse) {
  return layouts.outlook.find((entry) => specialUse !== null && entry.specialUse === specialUse)?.path ?? 'INBOX'
}

module.exports = { makeMails, seed }
