'use strict'

const { canonicalFlag, changeFlags } = require('./flags.js')

/*
 * One mailbox: messages in UID order, the counters of RFC 3501 §2.3.1 and RFC 7162 (MODSEQ), and word to whoever
 * listens about everything that happens. It knows no protocol and no session.
 */

/**
 * @typedef {object} Message
 * @property {number} uid
 * @property {import('./content.js').Content} content
 * @property {Set<string>} flags
 * @property {number} modseq
 */

/**
 * @typedef {object} Change
 * @property {'added' | 'removed' | 'flags' | 'gone'} type `gone`: the mailbox itself was deleted
 * @property {Mailbox} mailbox
 * @property {Message[]} messages
 * @property {unknown} origin whoever caused it, so that a session can tell its own changes
 */

class Mailbox {
  /** @param {{ path: string, uidValidity: number, specialUse?: string | null, selectable?: boolean }} options */
  constructor({ path, uidValidity, specialUse = null, selectable = true }) {
    this.path = path
    this.specialUse = specialUse
    this.selectable = selectable
    this.uidValidity = uidValidity
    this.uidNext = 1
    this.highestModseq = 1
    /** UIDs from here on have not been shown as \Recent to any session. */
    this.recentFrom = 1
    /** @type {Message[]} */
    this.messages = []
    /** For QRESYNC: what left, and when. @type {Array<{ uid: number, modseq: number }>} */
    this.expunged = []
    /** @type {Map<string, string>} */
    this.keywords = new Map()
    /** @type {Set<(change: Change) => void>} */
    this.listeners = new Set()
  }

  /** RFC 8474. */
  get mailboxId() {
    return `F${this.uidValidity}`
  }

  /**
   * @param {(change: Change) => void} listener
   * @returns {() => void} stops listening
   */
  onChange(listener) {
    this.listeners.add(listener)
    return () => this.listeners.delete(listener)
  }

  /**
   * @param {Array<{ content: import('./content.js').Content, flags: Iterable<string> }>} items
   * @param {unknown} [origin]
   * @returns {Message[]}
   */
  add(items, origin = null) {
    if (items.length === 0) return []
    const modseq = ++this.highestModseq
    const added = items.map(({ content, flags }) => {
      const known = [...flags].map((flag) => canonicalFlag(flag, this.keywords)).filter((flag) => flag !== null)
      return { uid: this.uidNext++, content, flags: new Set(/** @type {string[]} */ (known)), modseq }
    })
    for (const message of added) this.messages.push(message)
    this.#tell('added', added, origin)
    return added
  }

  /**
   * @param {Message[]} messages
   * @param {unknown} [origin]
   */
  remove(messages, origin = null) {
    const going = new Set(messages)
    const removed = this.messages.filter((message) => going.has(message))
    if (removed.length === 0) return
    const modseq = ++this.highestModseq
    this.messages = this.messages.filter((message) => !going.has(message))
    for (const { uid } of removed) this.expunged.push({ uid, modseq })
    this.#tell('removed', removed, origin)
  }

  /**
   * @param {Message[]} messages
   * @param {'add' | 'remove' | 'set'} how
   * @param {string[]} flags
   * @param {unknown} [origin]
   * @returns {Message[]} those that changed
   */
  changeFlags(messages, how, flags, origin = null) {
    const known = flags.map((flag) => canonicalFlag(flag, this.keywords)).filter((flag) => flag !== null)
    const changed = []
    for (const message of messages) {
      const next = changeFlags(message.flags, how, /** @type {string[]} */ (known))
      if (next === null) continue
      message.flags = next
      changed.push(message)
    }
    if (changed.length === 0) return changed
    const modseq = ++this.highestModseq
    for (const message of changed) message.modseq = modseq
    this.#tell('flags', changed, origin)
    return changed
  }

  /** @param {number} uid */
  find(uid) {
    const at = lowerBound(this.messages, uid)
    const message = this.messages[at]
    return message !== undefined && message.uid === uid ? message : null
  }

  status() {
    let unseen = 0
    let deleted = 0
    let size = 0
    for (const message of this.messages) {
      if (!message.flags.has('\\Seen')) unseen++
      if (message.flags.has('\\Deleted')) deleted++
      size += message.content.size
    }
    const recent = this.messages.length - lowerBound(this.messages, this.recentFrom)
    return { messages: this.messages.length, unseen, deleted, size, recent }
  }

  /** The mailbox was deleted. */
  vanish() {
    this.#tell('gone', [], null)
    this.listeners.clear()
  }

  /**
   * @param {Change['type']} type
   * @param {Message[]} messages
   * @param {unknown} origin
   */
  #tell(type, messages, origin) {
    for (const listener of [...this.listeners]) listener({ type, mailbox: this, messages, origin })
  }
}

/**
 * The first index whose UID is not below `uid`.
 *
 * @param {Message[]} messages
 * @param {number} uid
 */
function lowerBound(messages, uid) {
  let low = 0
  let high = messages.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if (messages[middle].uid < uid) low = middle + 1
    else high = middle
  }
  return low
}

module.exports = { Mailbox, lowerBound }
