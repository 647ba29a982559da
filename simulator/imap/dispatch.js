'use strict'

const { commands } = require('./commands/index.js')
const { bad, no, phrased, Refusal } = require('./errors.js')
const { MailboxError } = require('../mailbox/account.js')

/*
 * From a command's line to its tagged reply: which handler, may it run now, what came of it.
 */

/** Refused syntax this often in a row ends the session, as everywhere: it is not a mail client. */
const MAX_BAD = 20

/** LITERAL- (RFC 7888 §5) allows non-synchronizing literals up to this. */
const MAX_LITERAL_MINUS = 4096

/** @typedef {import('./session.js').Session} Session */
/** @typedef {import('./parser.js').Parser} Parser */

/** What a command may answer besides OK. `after` runs behind the reply. */
/** @typedef {{ text?: string, code?: string | null, after?: () => Promise<void> | void }} Result */

/**
 * @typedef {object} Handler
 * @property {string} name
 * @property {Array<'clear' | 'authenticated' | 'selected'>} states
 * @property {string[]} [requires] one of these capabilities, else the command is unknown
 * @property {boolean} [uid] whether there is a UID form
 * @property {boolean} [holdsExpunge] no EXPUNGE while its sequence-number form runs (RFC 3501 §7.4.1)
 * @property {(session: Session, parser: Parser, options: { uid: boolean, tag: string }) => Promise<Result | void> | Result | void} run
 */

/**
 * @param {Session} session
 * @param {string} tag
 * @param {Parser} parser behind the tag
 */
async function execute(session, tag, parser) {
  let expunge = true
  try {
    const { name, uid } = readName(parser)
    const handler = handlerOf(session, name, uid)
    session.running = name
    expunge = uid || !handler.holdsExpunge
    checkLimits(session, parser)
    refuseByFault(session, name)
    const result = (await handler.run(session, parser, { uid, tag })) ?? {}
    session.badCommands = 0
    if (session.stopped) return
    session.flush(expunge)
    const text = result.text ?? session.personality.texts.ok(uid ? `UID ${name}` : name)
    session.tagged(tag, 'OK', text, result.code ?? takeExpungeIssued(session))
    if (result.after) {
      await session.out.drain()
      await result.after()
    }
  } catch (error) {
    if (session.stopped) return
    session.flush(expunge)
    refuse(session, tag, asRefusal(session, error))
  } finally {
    session.running = ''
  }
}

/**
 * @param {Session} session
 * @param {string} tag
 * @param {Refusal} refusal
 */
function refuse(session, tag, refusal) {
  const { status, kind } = refusal
  const text = kind === 'reason' ? session.personality.texts.syntax(refusal.message) : refusal.message
  const code = kind === 'phrased' || says(session, refusal.code) ? refusal.code : null
  if (status === 'BAD' && ++session.badCommands >= MAX_BAD) refusal.bye = 'Too many invalid commands'
  session.tagged(tag, status, text, code)
  if (refusal.bye !== null) session.dying = { text: refusal.bye }
}

/**
 *     command = tag SP ["UID" SP] name …
 *
 * @param {Parser} parser
 */
function readName(parser) {
  parser.space()
  const first = parser.word()
  if (first !== 'UID') return { name: first, uid: false }
  parser.space()
  return { name: parser.word(), uid: true }
}

/**
 * @param {Session} session
 * @param {string} name
 * @param {boolean} uid
 * @returns {Handler}
 */
function handlerOf(session, name, uid) {
  const { texts } = session.personality
  const handler = commands.get(name)
  const offered = handler?.requires === undefined || handler.requires.some((word) => session.offers(word))
  if (handler === undefined || !offered || (uid && !handler.uid)) throw phrased('BAD', texts.unknown(name))
  if (!handler.states.includes(session.state)) throw phrased('BAD', texts.state)
  return handler
}

/**
 * @param {Session} session
 * @param {Parser} parser
 */
function checkLimits(session, { input, literals }) {
  const { maxLine, texts } = session.personality
  if (input.length > maxLine) throw phrased('BAD', texts.tooLong)
  if (session.offers('LITERAL+')) return
  const largest = session.offers('LITERAL-') ? MAX_LITERAL_MINUS : -1
  if (literals.some(({ sync, data }) => !sync && data.length > largest)) throw bad('Literal must be synchronizing')
}

/**
 * @param {Session} session
 * @param {string} name
 */
function refuseByFault(session, name) {
  if (session.account === null || name === 'LOGOUT') return
  if (session.faults.notConnected) throw phrased('BAD', 'User is authenticated but not connected.')
  const throttle = session.shared.faults.takeThrottle(session.account.user, name)
  if (throttle === null) return
  const text = `Request is throttled. Suggested Backoff Time: ${throttle.ms} milliseconds`
  const refusal = phrased(throttle.status ?? 'NO', text, throttle.code ?? null)
  if (throttle.bye) refusal.bye = 'Connection is closed. 14'
  throw refusal
}

/** @param {Session} session */
function takeExpungeIssued(session) {
  if (!session.view?.expungeIssued) return null
  session.view.expungeIssued = false
  return says(session, 'EXPUNGEISSUED') ? 'EXPUNGEISSUED' : null
}

/**
 * Whether the personality knows a response code.
 *
 * @param {Session} session
 * @param {string | null} code
 */
function says(session, code) {
  const { codes } = session.personality
  return code !== null && (codes === null || codes.includes(code.split(' ')[0]))
}

/**
 * @param {Session} session
 * @param {unknown} error
 * @returns {Refusal}
 */
function asRefusal(session, error) {
  if (error instanceof Refusal) return error
  if (error instanceof MailboxError) return no(error.message, error.code)
  session.log('server', `internal error: ${error instanceof Error ? error.stack : error}`)
  return no(`Internal error: ${error instanceof Error ? error.message : error}`, 'SERVERBUG')
}

module.exports = { execute, refuse }
