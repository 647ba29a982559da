'use strict'

/*
 * Chance that repeats: the same seed gives the same mails on every machine (mulberry32).
 */

class Random {
  /** @param {number} seed */
  constructor(seed) {
    this.state = seed >>> 0
  }

  /** @returns {number} 0 ≤ x < 1 */
  next() {
    this.state = (this.state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }

  /**
   * @param {number} low
   * @param {number} high inclusive
   */
  integer(low, high) {
    return low + Math.floor(this.next() * (high - low + 1))
  }

  /** @param {number} probability */
  chance(probability) {
    return this.next() < probability
  }

  /**
   * @template T
   * @param {readonly T[]} list
   * @returns {T}
   */
  pick(list) {
    return list[Math.floor(this.next() * list.length)]
  }

  /**
   * @template T
   * @param {readonly T[]} list
   * @returns {T[]}
   */
  shuffled(list) {
    const copy = [...list]
    for (let at = copy.length - 1; at > 0; at--) {
      const other = Math.floor(this.next() * (at + 1))
      const held = copy[at]
      copy[at] = copy[other]
      copy[other] = held
    }
    return copy
  }

  /**
   * Several different ones.
   *
   * @template T
   * @param {readonly T[]} list
   * @param {number} count
   */
  sample(list, count) {
    return this.shuffled(list).slice(0, count)
  }

  /** @param {number} digits */
  hex(digits) {
    let text = ''
    while (text.length < digits) text += this.integer(0, 0xffff).toString(16).padStart(4, '0')
    return text.slice(0, digits)
  }

  /** @param {number} size */
  bytes(size) {
    const data = Buffer.allocUnsafe(size + 4)
    for (let at = 0; at < size; at += 4) data.writeUInt32LE(Math.floor(this.next() * 0x100000000), at)
    return data.subarray(0, size)
  }
}

module.exports = { Random }
