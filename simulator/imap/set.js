'use strict'

/*
 * Sequence sets (RFC 3501 §9) and how they are written. Ranges are never expanded: `1:4294967295` is one pair.
 */

/** `Infinity` stands for `*`; a saved search (`$`, RFC 5182) is null in `ranges`. */
/** @typedef {{ ranges: Array<[number, number]> | null }} NumberSet */

/** A set of more ranges than this is refused; the longest honest lines are far below. */
const MAX_RANGES = 100_000

/**
 *     sequence-set = (seq-number / seq-range) ["," sequence-set]
 *
 * @param {string} text
 * @returns {NumberSet | null}
 */
function parseSet(text) {
  if (text === '$') return { ranges: null }
  /** @type {Array<[number, number]>} */
  const ranges = []
  for (const piece of text.split(',')) {
    const match = /^(\d{1,10}|\*)(?::(\d{1,10}|\*))?$/.exec(piece)
    if (match === null) return null
    const from = bound(match[1])
    const to = match[2] === undefined ? from : bound(match[2])
    if (from === 0 || to === 0 || (from > 0xffffffff && from !== Infinity) || (to > 0xffffffff && to !== Infinity))
      return null
    ranges.push(from <= to ? [from, to] : [to, from])
    if (ranges.length > MAX_RANGES) return null
  }
  return { ranges }
}

/** @param {string} text */
function bound(text) {
  return text === '*' ? Infinity : Number(text)
}

/**
 * `1:3,5` of ascending or any-order numbers; runs in the given order, as COPYUID needs it.
 *
 * @param {number[]} numbers
 */
function formatSet(numbers) {
  let out = ''
  for (let at = 0; at < numbers.length;) {
    let end = at
    while (end + 1 < numbers.length && numbers[end + 1] === numbers[end] + 1) end++
    out += (out === '' ? '' : ',') + (end === at ? numbers[at] : `${numbers[at]}:${numbers[end]}`)
    at = end + 1
  }
  return out
}

module.exports = { formatSet, parseSet }
