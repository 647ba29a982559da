'use strict'

const { lowerBound } = require('../mailbox/mailbox.js')
const { bad } = require('./errors.js')
const { formatSet } = require('./set.js')
const { utf8 } = require('./syntax.js')

/*
 * The selected mailbox as one client knows it: sequence numbers stay what the client was told until it is told
 * otherwise. Changes by others wait here and go out at command boundaries (RFC 3501 §7: EXPUNGE never during FETCH,
 * STORE or SEARCH; §5.2), or at once in IDLE.
 */

/** @typedef {import('../mailbox/mailbox.js').Message} Message */

class View {
  /**
   * @param {{ account: import('../mailbox/account.js').Account, mailbox: import('../mailbox/mailbox.js').Mailbox,
   *   readOnly: boolean, knowsRecent: boolean, owner: unknown, onPending: () => void }} options `owner`: whose own
   *   changes are not news; `knowsRecent`: IMAP4rev2 has no \Recent
   */
  constructor({ account, mailbox, readOnly, knowsRecent, owner, onPending }) {
    this.account = account
    this.mailbox = mailbox
    this.readOnly = readOnly
    this.knowsRecent = knowsRecent
    this.owner = owner
    this.onPending = onPending
    /** In sequence order. @type {Message[]} */
    this.messages = [...mailbox.messages]
    /** @type {Set<Message>} */
    this.recent = new Set(mailbox.messages.slice(lowerBound(mailbox.messages, mailbox.recentFrom)))
    if (!readOnly) mailbox.recentFrom = mailbox.uidNext
    /** @type {Message[]} */
    this.added = []
    /** @type {Set<Message>} */
    this.removed = new Set()
    /** @type {Set<Message>} */
    this.changed = new Set()
    /** How many keywords the client was told of. */
    this.knownKeywords = mailbox.keywords.size
    /** The mailbox was deleted. */
    this.gone = false
    /** Set when the last command met messages that others have expunged (RFC 5530 EXPUNGEISSUED). */
    this.expungeIssued = false
    /** The saved result of SEARCH RETURN (SAVE) (RFC 5182). @type {Set<Message>} */
    this.saved = new Set()
    this.stop = mailbox.onChange((change) => this.#heard(change))
  }

  close() {
    this.stop()
  }

  /** @param {Message} message */
  exists(message) {
    return !this.removed.has(message)
  }

  get hasPending() {
    return this.added.length > 0 || this.removed.size > 0 || this.changed.size > 0 || this.gone
  }

  /**
   * @param {Message} message
   * @returns {string[]}
   */
  flagsOf(message) {
    return this.knowsRecent && this.recent.has(message) ? [...message.flags, '\\Recent'] : [...message.flags]
  }

  /** @param {Message} message */
  flagList(message) {
    return `(${utf8(this.flagsOf(message).join(' '))})`
  }

  /**
   * The messages of a set, ascending, as `[sequence number, message]`. Those that others expunged but this client was
   * not told of are left out.
   *
   * @param {import('./set.js').NumberSet} set
   * @param {boolean} byUid
   * @returns {Array<[number, Message]>}
   */
  resolve(set, byUid) {
    const indexes = this.#indexes(set, byUid)
    /** @type {Array<[number, Message]>} */
    const found = []
    for (const index of indexes) {
      const message = this.messages[index]
      if (this.exists(message)) found.push([index + 1, message])
      else this.expungeIssued = true
    }
    return found
  }

  /**
   * @param {import('./set.js').NumberSet} set
   * @param {boolean} byUid
   * @param {{ lenient?: boolean }} [options] lenient: numbers beyond the end match nothing instead of BAD (SEARCH)
   * @returns {Iterable<number>} ascending indexes
   */
  #indexes({ ranges }, byUid, { lenient = false } = {}) {
    const count = this.messages.length
    if (ranges === null) return this.messages.flatMap((message, index) => (this.saved.has(message) ? [index] : []))
    const last = byUid ? (this.messages[count - 1]?.uid ?? 0) : count
    /** @type {Array<[number, number]>} */
    const spans = []
    for (const range of ranges) {
      let [from, to] = range
      if (
        !byUid &&
        !lenient &&
        (count === 0 || (from !== Infinity && from > count) || (to !== Infinity && to > count))
      ) {
        throw bad('Invalid message set')
      }
      if (count === 0) continue
      from = Math.min(from, from === Infinity ? last : from)
      to = to === Infinity ? last : to
      if (from > to) [from, to] = [to, from]
      const low = byUid ? lowerBound(this.messages, from) : from - 1
      const high = byUid ? lowerBound(this.messages, to + 1) : Math.min(to, count)
      if (low < high) spans.push([low, high])
    }
    if (spans.length === 1) return span(spans[0])
    const all = new Set()
    for (const each of spans) for (const index of span(each)) all.add(index)
    return [...all].sort((a, b) => a - b)
  }

  /**
   * A test whether a message is in the set, for SEARCH.
   *
   * @param {import('./set.js').NumberSet} set
   * @param {boolean} byUid
   * @returns {Set<Message>}
   */
  members(set, byUid) {
    /** @type {Set<Message>} */
    const members = new Set()
    for (const index of this.#indexes(set, byUid, { lenient: true })) members.add(this.messages[index])
    return members
  }

  /**
   * Tells the client what others did.
   *
   * @param {import('./output.js').Output} out
   * @param {{ expunge: boolean, condstore: boolean, qresync: boolean }} options
   */
  flush(out, { expunge, condstore, qresync }) {
    if (expunge && this.removed.size > 0) this.#tellRemoved(out, qresync)
    if (this.added.length > 0) {
      this.messages.push(...this.added)
      this.added = []
      out.line(`* ${this.messages.length} EXISTS`)
      if (this.knowsRecent) out.line(`* ${this.recent.size} RECENT`)
    }
    if (this.changed.size > 0) this.#tellChanged(out, condstore, qresync)
  }

  /**
   * @param {import('./output.js').Output} out
   * @param {boolean} qresync
   */
  #tellRemoved(out, qresync) {
    if (qresync) {
      const uids = this.messages.filter((message) => this.removed.has(message)).map(({ uid }) => uid)
      out.line(`* VANISHED ${formatSet(uids)}`)
    }
    let sequence = 0
    /** @type {Message[]} */
    const kept = []
    for (const message of this.messages) {
      if (this.removed.has(message)) {
        this.recent.delete(message)
        this.saved.delete(message)
        if (!qresync) out.line(`* ${sequence + 1} EXPUNGE`)
      } else {
        kept.push(message)
        sequence++
      }
    }
    this.messages = kept
    this.removed.clear()
  }

  /**
   * @param {import('./output.js').Output} out
   * @param {boolean} condstore
   * @param {boolean} qresync
   */
  #tellChanged(out, condstore, qresync) {
    const changed = [...this.changed].filter((message) => this.exists(message))
    this.changed.clear()
    for (const message of changed) {
      const index = lowerBound(this.messages, message.uid)
      const uid = qresync ? `UID ${message.uid} ` : ''
      const modseq = condstore ? ` MODSEQ (${message.modseq})` : ''
      out.line(`* ${index + 1} FETCH (${uid}FLAGS ${this.flagList(message)}${modseq})`)
    }
  }

  /** @param {import('../mailbox/mailbox.js').Change} change */
  #heard({ type, messages, origin }) {
    if (type === 'gone') this.gone = true
    else if (type === 'added') this.#heardAdded(messages)
    else if (type === 'removed') {
      const unknown = new Set(this.added)
      for (const message of messages) {
        this.changed.delete(message)
        if (unknown.has(message)) this.added = this.added.filter((each) => each !== message)
        else this.removed.add(message)
      }
    } else if (origin !== this.owner) {
      const unknown = new Set(this.added)
      for (const message of messages) if (!unknown.has(message)) this.changed.add(message)
    }
    if (this.hasPending) this.onPending()
  }

  /** @param {Message[]} messages */
  #heardAdded(messages) {
    for (const message of messages) {
      this.added.push(message)
      if (message.uid < this.mailbox.recentFrom) continue
      this.recent.add(message)
      if (!this.readOnly) this.mailbox.recentFrom = message.uid + 1
    }
  }
}

/**
 * @param {[number, number]} range
 * @returns {Generator<number>}
 */
function* span([low, high]) {
  for (let index = low; index < high; index++) yield index
}

module.exports = { View }
