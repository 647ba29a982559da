'use strict'

/*
 * Bytes in, commands out. Pull model: nothing is read beyond what the running command asks for, so pipelined commands
 * wait their turn and a synchronizing literal gets its "+" only when it is really wanted.
 */

/** A command line beyond this ends the session: a line without end must not fill the memory. */
const MAX_LINE = 1024 * 1024

/** Literals beyond this are not held, whatever APPENDLIMIT says. */
const MAX_LITERAL = 256 * 1024 * 1024

/** The socket is paused while this much is waiting unread. */
const HIGH_WATER = 256 * 1024

/** A line or literal over the limit; the session says BYE, since it can no longer tell data from commands. */
class TooLong extends Error {}

/**
 * @typedef {object} Command the text with the literals taken out, and where each one belongs
 * @property {string} text byte string
 * @property {Array<{ at: number, data: Buffer, binary: boolean, sync: boolean }>} literals
 */

class Reader {
  /** @param {{ pause(): unknown, resume(): unknown }} source whose `data` is handed to {@link feed} */
  constructor(source) {
    this.source = source
    /** @type {Buffer[]} */
    this.chunks = []
    this.buffered = 0
    this.ended = false
    this.paused = false
    /** @type {(() => void) | null} */
    this.wake = null
  }

  /** @param {Buffer} chunk */
  feed(chunk) {
    this.chunks.push(chunk)
    this.buffered += chunk.length
    if (this.buffered > HIGH_WATER && !this.paused) {
      this.paused = true
      this.source.pause()
    }
    this.wake?.()
  }

  end() {
    this.ended = true
    this.wake?.()
  }

  /** Whether the client has sent more than was asked for: fatal before STARTTLS. */
  get hasBuffered() {
    return this.buffered > 0
  }

  /**
   * A whole command with its literals.
   *
   * @param {{ maxLine?: number, mayLiteral: (text: string, size: number, sync: boolean) => Promise<boolean> }} options
   *   `mayLiteral` sends the continuation; where it says no, the command ends before the literal
   * @returns {Promise<Command | null>} null at the end of the stream
   */
  async command({ maxLine = MAX_LINE, mayLiteral }) {
    let text = ''
    /** @type {Command['literals']} */
    const literals = []
    for (;;) {
      const line = await this.line(maxLine)
      if (line === null) return null
      const match = /(~?)\{(\d{1,10})(\+?)\}$/.exec(line)
      if (match === null) return { text: text + line, literals }
      const size = Number(match[2])
      if (size > MAX_LITERAL) throw new TooLong(`Literal of ${size} octets`)
      const sync = match[3] === ''
      if (!(await mayLiteral(text + line, size, sync))) return { text: text + line, literals }
      const data = await this.bytes(size)
      if (data === null) return null
      text += line.slice(0, match.index)
      literals.push({ at: text.length, data, binary: match[1] === '~', sync })
    }
  }

  /**
   * A line without its CRLF; a bare LF ends one, too.
   *
   * @param {number} [max]
   * @returns {Promise<string | null>}
   */
  async line(max = MAX_LINE) {
    let text = ''
    for (;;) {
      while (this.chunks.length > 0) {
        const chunk = this.chunks[0]
        const lf = chunk.indexOf(10)
        if (lf !== -1) {
          text += chunk.toString('latin1', 0, lf)
          this.#consume(lf + 1)
          return text.endsWith('\r') ? text.slice(0, -1) : text
        }
        text += chunk.toString('latin1')
        this.#consume(chunk.length)
        if (text.length > max) throw new TooLong('Command line too long')
      }
      if (!(await this.#more())) return null
    }
  }

  /**
   * @param {number} size
   * @returns {Promise<Buffer | null>}
   */
  async bytes(size) {
    const data = Buffer.allocUnsafe(size)
    let filled = 0
    while (filled < size) {
      if (this.chunks.length === 0 && !(await this.#more())) return null
      const chunk = this.chunks[0]
      const taken = chunk.copy(data, filled)
      filled += taken
      this.#consume(taken)
    }
    return data
  }

  /** @param {number} count of the first chunk */
  #consume(count) {
    const chunk = this.chunks[0]
    this.buffered -= count
    if (count === chunk.length) this.chunks.shift()
    else this.chunks[0] = chunk.subarray(count)
  }

  /** @returns {Promise<boolean>} false at the end */
  async #more() {
    if (this.paused) {
      this.paused = false
      this.source.resume()
    }
    while (this.chunks.length === 0) {
      if (this.ended) return false
      await new Promise((resolve) => {
        this.wake = () => resolve(undefined)
      })
      this.wake = null
    }
    return true
  }
}

module.exports = { Reader, TooLong }
