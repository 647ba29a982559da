'use strict'

const { commands } = require('./commands/index.js')
const { bad, no, Refusal } = require('./errors.js')
const { Parser } = require('./parser.js')
const { TooLong } = require('./reader.js')
const { Transport } = require('./transport.js')
const { View } = require('./view.js')
const { MailboxError } = require('../mailbox/account.js')

/*
 * One connection: reads a command, runs it, says what others changed, answers with the tag; then the next one.
 *
 *     not authenticated ── AUTHENTICATE, LOGIN ──▶ authenticated ── SELECT, EXAMINE ──▶ selected
 *            │                                        │    ◀── CLOSE, UNSELECT ──          │
 *            └──────────────── LOGOUT, BYE, end of stream ──────────────▶ closed ◀─────────┘
 */

/** Refused syntax this often in a row ends the session, as everywhere: it is not a mail client. */
const MAX_BAD = 20

/** What a command may answer besides OK. */
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

class Session {
  /**
   * @param {object} shared what all sessions of a server have in common
   * @param {import('../mailbox/store.js').Store} shared.store
   * @param {import('node:tls').SecureContext | null} shared.context
   * @param {boolean} shared.startTls
   * @param {import('./server.js').Authenticate} shared.authenticate
   * @param {import('./faults.js').Faults} shared.faults
   * @param {import('./personalities/default.js').Personality} shared.personality
   * @param {((entry: { session: number, from: 'client' | 'server', line: string }) => void) | null} shared.log
   * @param {import('node:net').Socket} socket
   * @param {{ serial: number, secure: boolean }} options
   */
  constructor(shared, socket, { serial, secure }) {
    this.shared = shared
    this.personality = shared.personality
    this.serial = serial
    this.transport = new Transport(socket, { secure, context: shared.context, faults: () => this.faults })
    /** @type {import('../mailbox/account.js').Account | null} */
    this.account = null
    /** @type {View | null} */
    this.view = null
    /** Extensions the client switched on (RFC 5161), upper case. @type {Set<string>} */
    this.enabled = new Set()
    this.identified = false
    this.closing = false
    this.idling = false
    this.running = ''
    /** Why the server ends the session; `text` null: without a word. @type {{ text: string | null } | null} */
    this.dying = null
    /** @type {NodeJS.Timeout | null} */
    this.expiry = null
    this.badCommands = 0
  }

  get out() {
    return this.transport.out
  }

  get reader() {
    return this.transport.reader
  }

  get faults() {
    return this.shared.faults.of(this.account?.user ?? null)
  }

  /** @returns {'clear' | 'authenticated' | 'selected'} */
  get state() {
    if (this.account === null) return 'clear'
    return this.view === null ? 'authenticated' : 'selected'
  }

  /** What CAPABILITY says now. */
  get capabilities() {
    const { before, after } = this.personality.capabilities
    if (this.account !== null) return after
    if (this.transport.secure || !this.shared.startTls) return before
    return [...before.filter((word) => !word.startsWith('AUTH=')), 'STARTTLS', 'LOGINDISABLED']
  }

  /** @param {string} capability */
  offers(capability) {
    return this.personality.capabilities.after.includes(capability) || this.personality.capabilities.before.includes(capability)
  }

  describe() {
    const { serial, state, running, idling } = this
    return { serial, state, user: this.account?.user ?? null, mailbox: this.view?.mailbox.path ?? null, running, idling }
  }

  async run() {
    try {
      const capabilities = this.personality.tellsCapabilities ? `[CAPABILITY ${this.capabilities.join(' ')}] ` : ''
      this.out.line(`* OK ${capabilities}${this.personality.greeting}`)
      await this.out.drain()
      while (!this.closing && (await this.#next()));
    } catch (error) {
      if (!this.transport.closed) this.#log('server', `internal error: ${error instanceof Error ? error.stack : error}`)
    } finally {
      this.#release()
      await this.transport.close()
    }
  }

  /**
   * Opens an account after a login.
   *
   * @param {import('../mailbox/account.js').Account} account
   * @param {number | Date | null} [expiresAt]
   */
  login(account, expiresAt = null) {
    this.account = account
    if (expiresAt === null) return
    const left = Math.min(Number(expiresAt) - Date.now(), 0x7fffffff)
    this.expiry = setTimeout(() => this.kill(this.personality.texts.expired), Math.max(0, left))
    this.expiry.unref()
  }

  /**
   * @param {import('../mailbox/mailbox.js').Mailbox} mailbox
   * @param {boolean} readOnly
   */
  select(mailbox, readOnly) {
    const account = /** @type {import('../mailbox/account.js').Account} */ (this.account)
    this.view = new View({ account, mailbox, readOnly, owner: this, onPending: () => this.#tellWhileIdle() })
    return this.view
  }

  unselect() {
    this.view?.close()
    this.view = null
  }

  /**
   * Ends the session from the server's side: at once when it waits, between two messages of a FETCH otherwise.
   *
   * @param {string | null} text of the BYE; null for none
   */
  kill(text) {
    this.dying ??= { text }
    if (this.running === '' || this.idling) this.#die()
  }

  /** Whether a long-running command should stop, because the session is being ended. */
  get stopped() {
    return this.dying !== null || this.transport.closed
  }

  destroy() {
    this.closing = true
    this.transport.destroy()
  }

  /** Untagged news, where the state of the running command lets them out. */
  flush(expunge = true) {
    if (this.view === null) return
    const condstore = this.enabled.has('CONDSTORE')
    this.view.flush(this.out, { expunge, condstore, qresync: this.enabled.has('QRESYNC') })
  }

  async #next() {
    const command = await this.#read()
    if (command === null) return false
    const parser = new Parser(command, { utf8: this.enabled.has('UTF8=ACCEPT') })
    const tag = /^[^\s(){%*"\\+]+/.exec(command.text)?.[0] ?? null
    if (tag === null) {
      this.out.line(`* BAD ${this.personality.texts.syntax('Invalid tag')}`)
    } else {
      parser.at = tag.length
      await this.#execute(tag, parser)
    }
    await this.out.drain()
    if (this.dying !== null) this.#die()
    return true
  }

  /** @returns {Promise<import('./reader.js').Command | null>} */
  async #read() {
    try {
      const command = await this.reader.command({ mayLiteral: (size, sync) => this.#mayLiteral(size, sync) })
      if (command !== null) this.#log('client', loggable(command))
      return command
    } catch (error) {
      if (!(error instanceof TooLong)) throw error
      this.out.line(`* BYE ${error.message}`)
      await this.out.drain()
      return null
    }
  }

  /**
   * @param {number} size
   * @param {boolean} sync
   */
  async #mayLiteral(size, sync) {
    if (!sync) return
    this.out.line('+ OK')
    await this.out.drain()
  }

  /**
   * @param {string} tag
   * @param {Parser} parser
   */
  async #execute(tag, parser) {
    let name = ''
    let expunge = true
    if (this.view?.gone) {
      this.dying = { text: 'The selected mailbox was deleted' }
      return
    }
    try {
      parser.space()
      name = parser.word()
      const uid = name === 'UID'
      if (uid) {
        parser.space()
        name = parser.word()
      }
      const handler = this.#handler(name, uid)
      this.running = name
      expunge = uid || !handler.holdsExpunge
      if (parser.input.length > this.personality.maxLine) throw bad(this.personality.texts.tooLong)
      this.#refuseByFault(name)
      const result = (await handler.run(this, parser, { uid, tag })) ?? {}
      this.badCommands = 0
      if (this.stopped) return
      this.flush(expunge)
      const issued = this.view?.expungeIssued ? 'EXPUNGEISSUED' : null
      if (this.view) this.view.expungeIssued = false
      this.#tagged(tag, 'OK', result.text ?? this.personality.texts.ok(uid ? `UID ${name}` : name), result.code ?? issued)
      if (result.after) {
        await this.out.drain()
        await result.after()
      }
    } catch (error) {
      const refusal = asRefusal(error)
      if (refusal === null) throw error
      if (this.stopped) return
      if (this.view !== null) this.flush(expunge)
      if (refusal.status === 'BAD' && ++this.badCommands >= MAX_BAD) refusal.bye = 'Too many invalid commands'
      this.#tagged(tag, refusal.status, refusal.message, refusal.code)
      if (refusal.bye !== null) this.dying = { text: refusal.bye }
    } finally {
      this.running = ''
    }
  }

  /**
   * @param {string} name
   * @param {boolean} uid
   * @returns {Handler}
   */
  #handler(name, uid) {
    const { texts } = this.personality
    const handler = commands.get(name)
    const offered = handler?.requires === undefined || handler.requires.some((word) => this.offers(word))
    if (handler === undefined || !offered || (uid && !handler.uid)) throw bad(texts.unknown(name))
    if (!handler.states.includes(this.state)) throw bad(texts.state)
    return handler
  }

  /** @param {string} name */
  #refuseByFault(name) {
    if (this.account === null || name === 'LOGOUT') return
    if (this.faults.notConnected) throw bad('User is authenticated but not connected.')
    const throttle = this.shared.faults.takeThrottle(this.account.user, name)
    if (throttle === null) return
    const text = `Request is throttled. Suggested Backoff Time: ${throttle.ms} milliseconds`
    const refusal = new Refusal(throttle.status ?? 'NO', text, throttle.code ?? null)
    if (throttle.bye) refusal.bye = 'Connection is closed. 14'
    throw refusal
  }

  /**
   * @param {string} tag
   * @param {'OK' | 'NO' | 'BAD'} status
   * @param {string} text
   * @param {string | null} [code]
   */
  #tagged(tag, status, text, code = null) {
    const line = `${tag} ${status} ${code === null ? '' : `[${code}] `}${text}`
    this.#log('server', line)
    this.out.line(line)
  }

  #tellWhileIdle() {
    if (!this.idling || this.stopped) return
    if (this.view?.gone) {
      this.kill('The selected mailbox was deleted')
      return
    }
    // One burst of changes becomes one burst of news.
    setImmediate(() => {
      if (!this.idling || this.stopped) return
      this.flush()
      void this.out.drain()
    })
  }

  #die() {
    const text = this.dying?.text ?? null
    this.closing = true
    if (text !== null && !this.transport.closed) this.out.line(`* BYE ${text}`)
    void this.out.drain().then(() => this.transport.close())
  }

  #release() {
    if (this.expiry !== null) clearTimeout(this.expiry)
    this.unselect()
  }

  /**
   * @param {'client' | 'server'} from
   * @param {string} line
   */
  #log(from, line) {
    this.shared.log?.({ session: this.serial, from, line })
  }
}

/**
 * @param {unknown} error
 * @returns {Refusal | null}
 */
function asRefusal(error) {
  if (error instanceof Refusal) return error
  return error instanceof MailboxError ? no(error.message, error.code) : null
}

/**
 * A command as the log may show it: no password, no token, no mail.
 *
 * @param {import('./reader.js').Command} command
 */
function loggable({ text, literals }) {
  const secret = /^(\S+ (?:LOGIN|AUTHENTICATE \S+)) .*/i.exec(text)
  if (secret !== null) return `${secret[1]} …`
  return literals.length === 0 ? text : `${text} (${literals.map(({ data }) => `{${data.length}}`).join(' ')})`
}

module.exports = { Session }
