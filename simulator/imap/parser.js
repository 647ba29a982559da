'use strict'

const { bad } = require('./errors.js')
const { decodeUtf7 } = require('./utf7.js')
const { parseDate, parseDateTime } = require('./syntax.js')
const { parseSet } = require('./set.js')

/*
 * Reads a command's arguments (RFC 3501 §9), left to right. Literals were taken out of the text by the Reader; one
 * stands where its `at` is. Everything that does not fit the grammar throws BAD.
 */

const ATOM = /[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]*/y

/** What a list-mailbox may hold besides: wildcards. */
const LIST_ATOM = /[!#$%&'*+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~\x80-\xff]*/y

/** A flag or a word that a bracket or parenthesis ends. */
const WORD = /[^\x00-\x20(){%*"\\[\]<]*/y // eslint-disable-line no-control-regex -- CTL is the RFC's word

/** Parentheses deeper than this are refused before anything recursive sees them. */
const MAX_NESTING = 64

class Parser {
  /**
   * @param {import('./reader.js').Command} command
   * @param {{ utf8?: boolean }} [options] `utf8`: mailbox names are UTF-8 (RFC 6855), not modified UTF-7
   */
  constructor({ text, literals }, { utf8 = false } = {}) {
    this.input = text
    this.literals = literals
    this.at = 0
    this.next = 0
    this.utf8 = utf8
    this.depth = 0
  }

  /** Everything is read. */
  get done() {
    return this.at >= this.input.length && this.next >= this.literals.length
  }

  /** Throws unless everything is read. */
  end() {
    if (!this.done) throw bad('Unexpected text at the end of the command')
  }

  space() {
    if (!this.skip(' ')) throw bad('Space expected')
  }

  /**
   * @param {string} text
   * @returns {boolean} whether it was there, regardless of case
   */
  skip(text) {
    if (!this.looksAt(text)) return false
    this.at += text.length
    return true
  }

  /** @param {string} text */
  looksAt(text) {
    if (this.#literalHere()) return false
    return this.input.slice(this.at, this.at + text.length).toUpperCase() === text.toUpperCase()
  }

  /** @param {string} text */
  expect(text) {
    if (!this.skip(text)) throw bad(`${text} expected`)
  }

  /** @returns {string} */
  atom() {
    const text = this.#match(ATOM)
    if (text === '') throw bad('Atom expected')
    return text
  }

  /** A keyword: an atom that ends at brackets, too; upper case. */
  word() {
    const text = this.#match(WORD)
    if (text === '') throw bad('Keyword expected')
    return text.toUpperCase()
  }

  /** @returns {string} a byte string */
  astring() {
    return this.#isString() ? this.string() : this.atom()
  }

  /** @returns {string} a byte string */
  string() {
    const literal = this.#literalHere()
    if (literal) {
      this.next++
      if (literal.data.includes(0) && !literal.binary) throw bad('NUL in a literal')
      return literal.data.toString('latin1')
    }
    const match = this.#match(/"((?:[^"\\\r\n]|\\["\\])*)"/y)
    if (match === '') throw bad('String expected')
    return match.slice(1, -1).replace(/\\(["\\])/g, '$1')
  }

  /** @returns {string | null} */
  nstring() {
    if (!this.#isString() && this.skip('NIL')) return null
    return this.string()
  }

  /** The literal that has to stand here, as bytes. */
  literal() {
    const literal = this.#literalHere()
    if (!literal) throw bad('Literal expected')
    this.next++
    return literal
  }

  /** @returns {string} Unicode */
  mailbox() {
    return this.#mailboxName(this.astring())
  }

  /** @returns {string} Unicode, may hold `*` and `%` */
  listMailbox() {
    if (this.#isString()) return this.#mailboxName(this.string())
    const text = this.#match(LIST_ATOM)
    if (text === '') throw bad('Mailbox pattern expected')
    return this.#mailboxName(text)
  }

  /** @returns {number} */
  number() {
    const digits = this.#match(/\d+/y)
    if (digits === '') throw bad('Number expected')
    const value = Number(digits)
    if (!Number.isSafeInteger(value)) throw bad('Number too big')
    return value
  }

  /** @returns {import('./set.js').NumberSet} */
  set() {
    const text = this.#match(/\$|[\d*][\d*:,]*/y)
    const set = parseSet(text)
    if (set === null) throw bad('Invalid sequence set')
    return set
  }

  /** @returns {string} `\Seen`, `$Forwarded` … */
  flag() {
    const system = this.skip('\\')
    const text = this.#match(ATOM)
    if (text === '') throw bad('Flag expected')
    return system ? `\\${text}` : text
  }

  /** @returns {Date} */
  dateTime() {
    const date = parseDateTime(this.string())
    if (date === null) throw bad('Invalid date-time')
    return date
  }

  /** @returns {number} the day's number */
  date() {
    const day = parseDate(this.astring())
    if (day === null) throw bad('Invalid date')
    return day
  }

  /**
   *     "(" [item *(SP item)] ")"
   *
   * @template T
   * @param {() => T} item
   * @returns {T[]}
   */
  list(item) {
    this.expect('(')
    if (++this.depth > MAX_NESTING) throw bad('Too many parentheses')
    /** @type {T[]} */
    const items = []
    while (!this.skip(')')) {
      if (items.length > 0) this.space()
      items.push(item())
    }
    this.depth--
    return items
  }

  /**
   * Runs `inner` one level of parentheses deeper.
   *
   * @template T
   * @param {() => T} inner
   */
  nested(inner) {
    if (++this.depth > MAX_NESTING) throw bad('Too many parentheses')
    const result = inner()
    this.depth--
    return result
  }

  #isString() {
    return this.#literalHere() !== null || this.input[this.at] === '"'
  }

  #literalHere() {
    const literal = this.literals[this.next]
    return literal !== undefined && literal.at === this.at ? literal : null
  }

  /**
   * What the sticky pattern matches here, but never across a literal.
   *
   * @param {RegExp} pattern
   */
  #match(pattern) {
    pattern.lastIndex = this.at
    const match = pattern.exec(this.input)
    if (match === null) return ''
    const border = this.literals[this.next]?.at ?? this.input.length
    const text = match[0].slice(0, Math.max(0, border - this.at))
    this.at += text.length
    return text
  }

  /** @param {string} wire */
  #mailboxName(wire) {
    const name = this.utf8 ? Buffer.from(wire, 'latin1').toString('utf8') : decodeUtf7(wire)
    // Many clients send raw UTF-8; nobody is helped by calling that a folder of mojibake.
    return name ?? Buffer.from(wire, 'latin1').toString('utf8')
  }
}

module.exports = { Parser }
