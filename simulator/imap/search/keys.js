'use strict'

const { bad, no } = require('../errors.js')
const { monthIndex, dayNumber } = require('../syntax.js')
const { fieldValue, fieldValues } = require('../../mailbox/mime/header.js')
const { decodeText } = require('../../mailbox/mime/charset.js')
const { decodeWords } = require('../../mailbox/mime/words.js')
const { gmailQuery } = require('./gmail.js')
const { bodyText, wholeText } = require('./text.js')

/*
 * Search keys (RFC 3501 §6.4.4) compiled to predicates. Text matches as a case-insensitive substring of what a person
 * would read: encoded words, transfer encodings and charsets undone.
 */

/** @typedef {import('../../mailbox/mailbox.js').Message} Message */
/** @typedef {(message: Message) => boolean} Test */

/**
 * @typedef {object} Context
 * @property {import('../session.js').Session} session
 * @property {import('../view.js').View} view
 * @property {import('../parser.js').Parser} parser
 * @property {string} charset of the strings in the command
 * @property {boolean} modseq set when a MODSEQ key was seen
 * @property {number} now
 */

/**
 *     search-key *(SP search-key)
 *
 * @param {Context} context
 * @returns {Test}
 */
function readKeys(context) {
  const tests = [readKey(context)]
  while (context.parser.skip(' ')) tests.push(readKey(context))
  return all(tests)
}

/**
 * @param {Context} context
 * @returns {Test}
 */
function readKey(context) {
  const { parser, view } = context
  if (parser.looksAt('(')) {
    parser.expect('(')
    const test = parser.nested(() => readKeys(context))
    parser.expect(')')
    return test
  }
  if (/[\d*$]/.test(parser.input[parser.at] ?? '')) return memberOf(view.members(parser.set(), false))
  const word = parser.word()
  const key = Object.hasOwn(KEYS, word) ? KEYS[word] : undefined
  if (key === undefined) throw bad(`Unknown search key ${word}`)
  return key(context)
}

/** @type {Record<string, (context: Context) => Test>} */
const KEYS = {
  ALL: () => () => true,
  ANSWERED: () => flag('\\Answered'),
  DELETED: () => flag('\\Deleted'),
  DRAFT: () => flag('\\Draft'),
  FLAGGED: () => flag('\\Flagged'),
  SEEN: () => flag('\\Seen'),
  UNANSWERED: () => not(flag('\\Answered')),
  UNDELETED: () => not(flag('\\Deleted')),
  UNDRAFT: () => not(flag('\\Draft')),
  UNFLAGGED: () => not(flag('\\Flagged')),
  UNSEEN: () => not(flag('\\Seen')),
  RECENT:
    ({ view }) =>
    (message) =>
      view.recent.has(message),
  OLD:
    ({ view }) =>
    (message) =>
      !view.recent.has(message),
  NEW:
    ({ view }) =>
    (message) =>
      view.recent.has(message) && !message.flags.has('\\Seen'),
  KEYWORD: (context) => keyword(context),
  UNKEYWORD: (context) => not(keyword(context)),

  BEFORE: (context) => arrived(context, (day, wanted) => day < wanted),
  ON: (context) => arrived(context, (day, wanted) => day === wanted),
  SINCE: (context) => arrived(context, (day, wanted) => day >= wanted),
  SENTBEFORE: (context) => sent(context, (day, wanted) => day < wanted),
  SENTON: (context) => sent(context, (day, wanted) => day === wanted),
  SENTSINCE: (context) => sent(context, (day, wanted) => day >= wanted),
  OLDER: (context) => age(context, (seconds, wanted) => seconds >= wanted),
  YOUNGER: (context) => age(context, (seconds, wanted) => seconds <= wanted),

  BCC: (context) => header(context, 'bcc'),
  CC: (context) => header(context, 'cc'),
  FROM: (context) => header(context, 'from'),
  SUBJECT: (context) => header(context, 'subject'),
  TO: (context) => header(context, 'to'),
  HEADER(context) {
    context.parser.space()
    return header(context, context.parser.astring().toLowerCase())
  },
  BODY(context) {
    const needle = text(context)
    return ({ content }) => bodyText(content).includes(needle)
  },
  TEXT(context) {
    const needle = text(context)
    return ({ content }) => wholeText(content).includes(needle)
  },

  LARGER: (context) => size(context, (octets, wanted) => octets > wanted),
  SMALLER: (context) => size(context, (octets, wanted) => octets < wanted),

  UID({ parser, view }) {
    parser.space()
    return memberOf(view.members(parser.set(), true))
  },
  NOT(context) {
    context.parser.space()
    return not(context.parser.nested(() => readKey(context)))
  },
  OR(context) {
    const { parser } = context
    parser.space()
    const left = parser.nested(() => readKey(context))
    parser.space()
    const right = parser.nested(() => readKey(context))
    return (message) => left(message) || right(message)
  },

  /** RFC 7162 §3.1.5: `MODSEQ [entry-name SP entry-type SP] mod-sequence-valzer` */
  MODSEQ(context) {
    const { parser, session } = context
    if (!session.offers('CONDSTORE')) throw bad('Unknown search key MODSEQ')
    parser.space()
    if (parser.looksAt('"')) {
      parser.string()
      parser.space()
      parser.atom()
      parser.space()
    }
    const wanted = parser.number()
    context.modseq = true
    session.enabled.add('CONDSTORE')
    return ({ modseq }) => modseq >= wanted
  },
  EMAILID: (context) => id(context, 'OBJECTID', ({ content }) => content.emailId),
  THREADID: (context) => id(context, 'OBJECTID', ({ content }) => content.threadId),
  'X-GM-MSGID': (context) => id(context, 'X-GM-EXT-1', ({ content }) => content.gmailId),
  'X-GM-THRID': (context) => id(context, 'X-GM-EXT-1', ({ content }) => content.gmailThread),
  'X-GM-RAW'(context) {
    if (!context.session.offers('X-GM-EXT-1')) throw bad('Unknown search key X-GM-RAW')
    return gmailQuery(text(context), context)
  },
}

/**
 * @param {Test[]} tests
 * @returns {Test}
 */
function all(tests) {
  return tests.length === 1 ? tests[0] : (message) => tests.every((test) => test(message))
}

/**
 * @param {Test} test
 * @returns {Test}
 */
function not(test) {
  return (message) => !test(message)
}

/**
 * @param {Set<Message>} members
 * @returns {Test}
 */
function memberOf(members) {
  return (message) => members.has(message)
}

/**
 * @param {string} name
 * @returns {Test}
 */
function flag(name) {
  return ({ flags }) => flags.has(name)
}

/**
 * @param {Context} context
 * @returns {Test}
 */
function keyword({ parser, view }) {
  parser.space()
  const name = parser.flag()
  return ({ flags }) => flags.has(view.mailbox.keywords.get(name.toLowerCase()) ?? name)
}

/** @typedef {(value: number, wanted: number) => boolean} Compare */

/**
 * @param {Context} context
 * @param {Compare} compare
 * @returns {Test}
 */
function arrived({ parser }, compare) {
  parser.space()
  const wanted = parser.date()
  return ({ content }) => compare(Math.floor(content.internalDate.getTime() / 86_400_000), wanted)
}

/**
 * By the Date: header, whatever its time zone says.
 *
 * @param {Context} context
 * @param {Compare} compare
 * @returns {Test}
 */
function sent({ parser }, compare) {
  parser.space()
  const wanted = parser.date()
  return ({ content }) => {
    const match = /(\d{1,2})\s+([A-Za-z]{3})\w*\s+(\d{4})/.exec(
      fieldValue(content.raw, content.structure.header, 'date') ?? '',
    )
    const month = match === null ? -1 : monthIndex(match[2])
    return match !== null && month !== -1 && compare(dayNumber(Number(match[3]), month, Number(match[1])), wanted)
  }
}

/**
 * RFC 5032.
 *
 * @param {Context} context
 * @param {Compare} compare
 * @returns {Test}
 */
function age({ parser, session, now }, compare) {
  if (!session.offers('WITHIN')) throw bad('Unknown search key')
  parser.space()
  const wanted = parser.number()
  return ({ content }) => compare((now - content.internalDate.getTime()) / 1000, wanted)
}

/**
 * @param {Context} context
 * @param {Compare} compare
 * @returns {Test}
 */
function size({ parser }, compare) {
  parser.space()
  const wanted = parser.number()
  return ({ content }) => compare(content.size, wanted)
}

/**
 * @param {Context} context
 * @param {string} name lower case
 * @returns {Test} an empty string matches every message that has the field
 */
function header(context, name) {
  const needle = text(context)
  return ({ content }) =>
    fieldValues(content.raw, content.structure.header, name).some((value) =>
      decodeWords(value).toLowerCase().includes(needle),
    )
}

/**
 * @param {Context} context
 * @param {string} capability
 * @param {(message: Message) => string} idOf
 * @returns {Test}
 */
function id({ parser, session }, capability, idOf) {
  if (!session.offers(capability)) throw bad('Unknown search key')
  parser.space()
  const wanted = parser.astring()
  return (message) => idOf(message) === wanted
}

/**
 * @param {Context} context
 * @returns {string} lower case
 */
function text({ parser, charset, session }) {
  parser.space()
  const bytes = parser.astring()
  // eslint-disable-next-line no-control-regex -- the ASCII range is what is meant
  if (!/^[\x00-\x7f]*$/.test(bytes) && !session.personality.charsets.includes('UTF-8')) {
    throw no('The specified charset is not supported.', 'BADCHARSET (US-ASCII)')
  }
  return decodeText(Buffer.from(bytes, 'latin1'), charset).toLowerCase()
}

module.exports = { readKeys }
