'use strict'

const { Content } = require('./content.js')
const { layouts } = require('./layouts.js')
const { Mailbox } = require('./mailbox.js')
const labels = require('./labels.js')

/*
 * One user's mailboxes. Everything that changes mail goes through here rather than through Mailbox, because in an
 * account of the Gmail kind a message is one thing in many mailboxes (labels.js).
 */

/** The first UIDVALIDITY of an account; later ones count up, so that a mailbox made anew never has an old one. */
const FIRST_UIDVALIDITY = 1_700_000_001

const DELIMITER = '/'

/** What a mailbox operation can fail for; the IMAP side turns it into a response code (RFC 5530). */
class MailboxError extends Error {
  /**
   * @param {'NONEXISTENT' | 'ALREADYEXISTS' | 'CANNOT'} code
   * @param {string} message
   */
  constructor(code, message) {
    super(message)
    this.name = 'MailboxError'
    this.code = code
  }
}

class Account {
  /** @param {{ user: string, layout: import('./layouts.js').LayoutEntry[] | string, nextSerial: () => number }} options */
  constructor({ user, layout, nextSerial }) {
    const entries = typeof layout === 'string' ? layouts[layout] : layout
    if (entries === undefined) throw new TypeError(`Unknown mailbox layout ${layout}`)
    this.user = user
    this.nextSerial = nextSerial
    this.uidValidity = FIRST_UIDVALIDITY
    /** @type {Map<string, Mailbox>} */
    this.mailboxes = new Map()
    /** Subscriptions outlive their mailboxes (RFC 3501 §6.3.6). @type {Set<string>} */
    this.subscriptions = new Set()
    /** @type {Mailbox | null} Gmail's All Mail: makes this an account with labels */
    this.allMail = null
    /** @type {Set<(change: import('./mailbox.js').Change) => void>} */
    this.listeners = new Set()
    /** Bytes, for QUOTA; null = none. @type {number | null} */
    this.quota = null
    for (const entry of entries) {
      const mailbox = this.#make(entry.path, entry)
      if (entry.allMail) this.allMail = mailbox
    }
  }

  get delimiter() {
    return DELIMITER
  }

  /** @param {string} path */
  get(path) {
    return this.mailboxes.get(canonicalPath(path)) ?? null
  }

  /** @param {string} specialUse `\Sent` … */
  bySpecialUse(specialUse) {
    return this.list().find((mailbox) => mailbox.specialUse === specialUse) ?? null
  }

  list() {
    return [...this.mailboxes.values()]
  }

  /**
   * Makes a mailbox and, as RFC 3501 §6.3.3 advises, the superiors it lacks.
   *
   * @param {string} path
   * @param {{ specialUse?: string | null }} [options]
   */
  create(path, options = {}) {
    const wanted = canonicalPath(path.endsWith(DELIMITER) ? path.slice(0, -1) : path)
    if (wanted === '' || wanted.split(DELIMITER).includes('')) throw new MailboxError('CANNOT', 'Invalid mailbox name')
    const existing = this.get(wanted)
    if (existing?.selectable) throw new MailboxError('ALREADYEXISTS', 'Mailbox already exists')
    if (options.specialUse && this.bySpecialUse(options.specialUse)) {
      throw new MailboxError('CANNOT', `There is a mailbox with the special use ${options.specialUse} already`)
    }
    const names = wanted.split(DELIMITER)
    for (let depth = 1; depth < names.length; depth++) {
      const superior = names.slice(0, depth).join(DELIMITER)
      if (this.get(superior) === null) this.#make(superior, {})
    }
    return this.#make(wanted, options)
  }

  /**
   * A mailbox with inferiors stays in the list but can no longer be opened (RFC 3501 §6.3.4).
   *
   * @param {string} path
   */
  delete(path) {
    const mailbox = this.#existing(path)
    if (mailbox.path === 'INBOX' || mailbox === this.allMail)
      throw new MailboxError('CANNOT', 'Mailbox cannot be deleted')
    const inferiors = this.hasChildren(mailbox.path)
    if (!mailbox.selectable && inferiors) throw new MailboxError('CANNOT', 'Mailbox has inferiors')
    if (this.allMail) labels.forget(this, mailbox)
    mailbox.vanish()
    if (inferiors) this.#make(mailbox.path, { selectable: false })
    else this.mailboxes.delete(mailbox.path)
  }

  /**
   * @param {string} from
   * @param {string} to
   */
  rename(from, to) {
    const mailbox = this.#existing(from)
    const target = canonicalPath(to)
    if (this.get(target) !== null) throw new MailboxError('ALREADYEXISTS', 'Target mailbox already exists')
    if (mailbox.path === 'INBOX') {
      // RFC 3501 §6.3.5: the messages move, INBOX stays.
      this.move(mailbox, mailbox.messages, this.create(target))
      return
    }
    if (target.startsWith(mailbox.path + DELIMITER)) throw new MailboxError('CANNOT', 'Cannot rename into itself')
    const parent = target.slice(0, Math.max(0, target.lastIndexOf(DELIMITER)))
    if (parent !== '' && this.get(parent) === null) this.create(parent)
    const old = mailbox.path
    for (const each of this.list()) {
      if (each !== mailbox && !each.path.startsWith(old + DELIMITER)) continue
      this.mailboxes.delete(each.path)
      each.path = target + each.path.slice(old.length)
      this.mailboxes.set(each.path, each)
    }
  }

  /**
   * The mailbox is built anew, as after a restore on the server: the same mail under new UIDs and another UIDVALIDITY.
   * Sessions that have it open are ended.
   *
   * @param {string} path
   * @param {{ uidValidity?: number }} [options] may be lower than before, which must not help a client either
   */
  rebuild(path, { uidValidity } = {}) {
    const old = this.#existing(path)
    old.vanish()
    const mailbox = this.#make(old.path, { specialUse: old.specialUse })
    if (uidValidity !== undefined) mailbox.uidValidity = uidValidity
    const messages = mailbox.add(old.messages.map(({ content, flags }) => ({ content, flags })))
    if (this.allMail) {
      labels.forget(this, old)
      if (this.allMail === old) this.allMail = mailbox
      labels.added(this, mailbox, messages, null)
    }
    return mailbox
  }

  /** @param {string} path */
  hasChildren(path) {
    return this.list().some((mailbox) => mailbox.path.startsWith(path + DELIMITER))
  }

  /** @param {string} path */
  subscribe(path) {
    this.subscriptions.add(canonicalPath(path))
  }

  /** @param {string} path */
  unsubscribe(path) {
    this.subscriptions.delete(canonicalPath(path))
  }

  /**
   * Files a message.
   *
   * @param {Uint8Array} raw
   * @param {{ mailbox?: string, specialUse?: string, flags?: Iterable<string>, internalDate?: Date }} [options]
   * @param {unknown} [origin]
   * @returns {import('./mailbox.js').Message}
   */
  deliver(raw, { mailbox = 'INBOX', specialUse, flags = [], internalDate = new Date() } = {}, origin = null) {
    const target = (specialUse && this.bySpecialUse(specialUse)) || this.#existing(mailbox)
    const bytes = Buffer.isBuffer(raw) ? raw : Buffer.from(raw)
    const content = new Content(bytes, internalDate, this.nextSerial())
    const [message] = target.add([{ content, flags }], origin)
    if (this.allMail) labels.added(this, target, [message], origin)
    return message
  }

  /**
   * @param {Mailbox} from
   * @param {import('./mailbox.js').Message[]} messages
   * @param {Mailbox} to
   * @param {unknown} [origin]
   * @returns {import('./mailbox.js').Message[]} the copies, in the same order
   */
  copy(from, messages, to, origin = null) {
    if (this.allMail) return labels.copy(this, messages, to, origin)
    return to.add(
      messages.map(({ content, flags }) => ({ content, flags })),
      origin,
    )
  }

  /**
   * @param {Mailbox} from
   * @param {import('./mailbox.js').Message[]} messages
   * @param {Mailbox} to
   * @param {unknown} [origin]
   */
  move(from, messages, to, origin = null) {
    const copies = this.copy(from, messages, to, origin)
    // Where copies are merged, moving into the same mailbox must not lose a message, nor one that has left by the copy.
    const merged = new Set(copies)
    const left = messages.filter((message) => !merged.has(message) && from.find(message.uid) === message)
    this.remove(from, left, origin)
    return copies
  }

  /**
   * @param {Mailbox} mailbox
   * @param {import('./mailbox.js').Message[]} messages
   * @param {unknown} [origin]
   */
  remove(mailbox, messages, origin = null) {
    mailbox.remove(messages, origin)
    if (this.allMail) labels.removed(this, mailbox, messages, origin)
  }

  /**
   * @param {Mailbox} mailbox
   * @param {import('./mailbox.js').Message[]} messages
   * @param {'add' | 'remove' | 'set'} how
   * @param {string[]} flags
   * @param {unknown} [origin]
   */
  changeFlags(mailbox, messages, how, flags, origin = null) {
    const changed = mailbox.changeFlags(messages, how, flags, origin)
    if (this.allMail) labels.flagsChanged(this, mailbox, changed)
    return changed
  }

  /** Bytes of everything, for QUOTA. */
  usage() {
    return this.list().reduce((sum, mailbox) => sum + mailbox.status().size, 0)
  }

  /**
   * Hears of every change in every mailbox.
   *
   * @param {(change: import('./mailbox.js').Change) => void} listener
   * @returns {() => void}
   */
  onChange(listener) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /** @param {string} path */
  #existing(path) {
    const mailbox = this.get(path)
    if (mailbox === null) throw new MailboxError('NONEXISTENT', `Mailbox doesn't exist: ${path}`)
    return mailbox
  }

  /**
   * @param {string} path
   * @param {{ specialUse?: string | null, selectable?: boolean }} options
   */
  #make(path, options) {
    const mailbox = new Mailbox({ ...options, path, uidValidity: this.uidValidity++ })
    mailbox.onChange((change) => {
      for (const listener of [...this.listeners]) listener(change)
    })
    this.mailboxes.set(path, mailbox)
    this.subscriptions.add(path)
    return mailbox
  }
}

/**
 * INBOX in any spelling is one mailbox; every other name is case-sensitive.
 *
 * @param {string} path
 */
function canonicalPath(path) {
  return path.toLowerCase() === 'inbox' ? 'INBOX' : path.replace(/^inbox(?=\/)/i, 'INBOX')
}

module.exports = { Account, MailboxError, canonicalPath, DELIMITER }
