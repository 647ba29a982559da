'use strict'

const { accountOf } = require('../mailboxes.js')
const { bad, no } = require('../errors.js')

/**
 * RFC 3501 §6.3.3, with CREATE-SPECIAL-USE (RFC 6154 §3).
 *
 *     create = "CREATE" SP mailbox [SP "(" "USE" SP "(" [use-attr *(SP use-attr)] ")" ")"]
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'CREATE',
  states: ['authenticated', 'selected'],

  run(session, parser) {
    parser.space()
    const path = parser.mailbox()
    const uses = parser.done ? [] : (parser.space(), readUses(session, parser))
    parser.end()
    if (uses.length > 1) throw no('Only one special use per mailbox', 'USEATTR')
    const specialUse = uses.length === 0 ? null : known(session, uses[0])
    const mailbox = accountOf(session).create(path, { specialUse })
    return { code: session.offers('OBJECTID') ? `MAILBOXID (${mailbox.mailboxId})` : null }
  },
}

/**
 * @param {import('../session.js').Session} session
 * @param {import('../parser.js').Parser} parser
 */
function readUses(session, parser) {
  if (!session.offers('CREATE-SPECIAL-USE')) throw bad('Unexpected parameter')
  /** @type {string[]} */
  let uses = []
  parser.list(() => {
    if (parser.word() !== 'USE') throw bad('USE expected')
    parser.space()
    uses = parser.list(() => parser.flag())
  })
  return uses
}

/**
 * @param {import('../session.js').Session} session
 * @param {string} use
 */
function known(session, use) {
  const found = session.personality.specialUses.find((each) => each.toLowerCase() === use.toLowerCase())
  if (found === undefined) throw no('Unknown special use', 'USEATTR')
  return found
}
