'use strict'

const { createHash } = require('node:crypto')
const { split } = require('./mime/split.js')
const { fieldValue } = require('./mime/header.js')

/*
 * A message's bytes and what follows from them alone. Copies in several mailboxes share one Content, so COPY costs no
 * memory; nothing is parsed before somebody asks.
 */

/** Gmail's ids are 64-bit decimals of about this size. */
const GMAIL_ID_BASE = 1_800_000_000_000_000_000n

class Content {
  /**
   * @param {Buffer} raw exactly what was delivered or appended
   * @param {Date} internalDate
   * @param {number} serial unique in the store
   */
  constructor(raw, internalDate, serial) {
    this.raw = raw
    this.internalDate = internalDate
    this.serial = serial
    /** Formatted answers (ENVELOPE, BODYSTRUCTURE…), kept because clients ask for them again and again. @type {Map<string, string>} */
    this.cache = new Map()
    /** @type {import('./mime/split.js').Part | null} */
    this.parsed = null
  }

  get size() {
    return this.raw.length
  }

  /** The part tree with byte offsets. */
  get structure() {
    this.parsed ??= split(this.raw)
    return this.parsed
  }

  /** RFC 8474: the same for every copy. */
  get emailId() {
    return `M${this.serial.toString(16).padStart(10, '0')}`
  }

  /** RFC 8474: the same for every mail of a conversation, taken from the conversation's first Message-ID. */
  get threadId() {
    return `T${this.#threadHash().toString('hex')}`
  }

  /** X-GM-MSGID */
  get gmailId() {
    return String(GMAIL_ID_BASE + BigInt(this.serial))
  }

  /** X-GM-THRID */
  get gmailThread() {
    return String(GMAIL_ID_BASE + (this.#threadHash().readBigUInt64BE() >> 8n))
  }

  #threadHash() {
    const root = ['references', 'in-reply-to', 'message-id']
      .map((name) => /<[^>]*>/.exec(fieldValue(this.raw, this.structure.header, name) ?? ''))
      .find((match) => match !== null)
    const key = root ? root[0] : `<${this.serial}@no-message-id>`
    return createHash('sha256').update(key, 'latin1').digest().subarray(0, 8)
  }
}

module.exports = { Content }
