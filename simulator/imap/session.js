'use strict'

const { setImmediate } = require('node:timers')
const { execute, refuse } = require('./dispatch.js')
const { Refusal } = require('./errors.js')
const { tellNewKeywords } = require('./flags.js')
const { Parser } = require('./parser.js')
const { TooLong } = require('./reader.js')
const { Transport } = require('./transport.js')
const { View } = require('./view.js')

/*
 * One connection: reads a command, runs it, says what others changed, answers with the tag; then the next one.
 *
 *     not authenticated ── AUTHENTICATE, LOGIN ──▶ authenticated ── SELECT, EXAMINE ──▶ selected
 *            │                                        │    ◀── CLOSE, UNSELECT ──          │
 *            └──────────────── LOGOUT, BYE, end of stream ──────────────▶ closed ◀─────────┘
 */

/** Before login a client has nothing to say that needs a longer literal. */
const MAX_LITERAL_BEFORE_LOGIN = 64 * 1024

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

  /** Whether IMAP4rev2 is spoken (RFC 9051 §6.3.1): enabled, or the only one offered. */
  get rev2() {
    return this.enabled.has('IMAP4REV2') || (this.offers('IMAP4rev2') && !this.offers('IMAP4rev1'))
  }

  /** Whether mailbox names are UTF-8 (RFC 6855, RFC 9051 §5.1) rather than modified UTF-7. */
  get utf8Names() {
    return this.rev2 || this.enabled.has('UTF8=ACCEPT')
  }

  /** @param {string} capability */
  offers(capability) {
    return (
      this.personality.capabilities.after.includes(capability) ||
      this.personality.capabilities.before.includes(capability)
    )
  }

  /** APPENDLIMIT (RFC 7889), where one is announced. */
  get appendLimit() {
    const word = this.personality.capabilities.after.find((each) => each.startsWith('APPENDLIMIT='))
    return word === undefined ? null : Number(word.slice(word.indexOf('=') + 1))
  }

  describe() {
    const { serial, state, running, idling } = this
    return {
      serial,
      state,
      user: this.account?.user ?? null,
      mailbox: this.view?.mailbox.path ?? null,
      running,
      idling,
    }
  }

  async run() {
    try {
      const capabilities = this.personality.tellsCapabilities ? `[CAPABILITY ${this.capabilities.join(' ')}] ` : ''
      this.out.line(`* OK ${capabilities}${this.personality.greeting}`)
      await this.out.drain()
      while (!this.closing && (await this.#next()));
    } catch (error) {
      if (!this.transport.closed) this.log('server', `internal error: ${error instanceof Error ? error.stack : error}`)
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
    this.view = new View({
      account,
      mailbox,
      readOnly,
      knowsRecent: !this.rev2,
      owner: this,
      onPending: () => this.#tellWhileIdle(),
    })
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
    tellNewKeywords(this, this.view)
    const condstore = this.enabled.has('CONDSTORE')
    this.view.flush(this.out, { expunge, condstore, qresync: this.enabled.has('QRESYNC') })
  }

  /**
   * @param {string} tag
   * @param {'OK' | 'NO' | 'BAD'} status
   * @param {string} text
   * @param {string | null} [code]
   */
  tagged(tag, status, text, code = null) {
    if (this.faults.unknownWords) this.out.line('* X-SIMULATED 42 ("a" (b NIL)) {3}\r\n\r\n)')
    const line = `${tag} ${status} ${code === null ? '' : `[${code}] `}${text}`
    this.log('server', line)
    this.out.line(line)
  }

  /**
   * @param {'client' | 'server'} from
   * @param {string} line
   */
  log(from, line) {
    this.shared.log?.({ session: this.serial, from, line })
  }

  async #next() {
    const command = await this.#read()
    if (command === null) return false
    if (this.view?.gone) {
      this.dying = { text: 'The selected mailbox was deleted' }
    } else if (command.tag === '') {
      this.out.line(`* BAD ${this.personality.texts.syntax('Invalid tag')}`)
    } else if (command.refusal !== null) {
      refuse(this, command.tag, command.refusal)
    } else {
      await execute(this, command.tag, command.parser)
    }
    await this.out.drain()
    if (this.dying !== null) this.#die()
    return true
  }

  /**
   * @returns {Promise<{ tag: string, parser: Parser, refusal: Refusal | null } | null>} `refusal` of a literal that is
   *   not wanted; null at the end
   */
  async #read() {
    /** @type {Refusal | null} */
    let refusal = null
    try {
      const command = await this.reader.command({
        mayLiteral: async (text, size, sync) => {
          refusal = sync ? this.#refuseLiteral(text, size) : null
          if (refusal === null && sync) {
            this.out.line('+ OK')
            await this.out.drain()
          }
          return refusal === null
        },
      })
      if (command === null) return null
      this.log('client', loggable(command))
      const parser = new Parser(command, { utf8: this.utf8Names })
      const tag = /^[^\s(){%*"\\+]+/.exec(command.text)?.[0] ?? ''
      parser.at = tag.length
      return { tag, parser, refusal }
    } catch (error) {
      if (!(error instanceof TooLong)) throw error
      this.out.line(`* BYE ${error.message}`)
      await this.out.drain()
      return null
    }
  }

  /**
   * A literal that would only be thrown away is refused before the client sends it (RFC 7889 §5).
   *
   * @param {string} text of the command so far
   * @param {number} size
   */
  #refuseLiteral(text, size) {
    const append = /^\S+ APPEND /i.test(text)
    if (this.account === null && size > MAX_LITERAL_BEFORE_LOGIN) return new Refusal('NO', 'Literal too big', 'TOOBIG')
    const limit = this.appendLimit
    return append && limit !== null && size > limit ? new Refusal('NO', 'Message is too big', 'TOOBIG') : null
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
    if (this.closing) return
    const text = this.dying?.text ?? null
    this.closing = true
    if (text !== null && !this.transport.closed) this.out.line(`* BYE ${text}`)
    void this.out.drain().then(() => this.transport.close())
  }

  #release() {
    if (this.expiry !== null) clearTimeout(this.expiry)
    this.unselect()
  }
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
