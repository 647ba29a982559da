'use strict'

/** Headers end at the first empty line; more than this of them is read by nobody here. */
const MAX_HEADER_BYTES = 256 * 1024

/**
 * One unfolded header field of a message, or null.
 *
 * @param {Buffer} raw
 * @param {string} name
 */
function headerOf(raw, name) {
  const text = raw
    .subarray(0, MAX_HEADER_BYTES)
    .toString('latin1')
    .split(/\r?\n\r?\n/, 1)[0]
  const unfolded = text.replace(/\r?\n[ \t]+/g, ' ')
  const line = unfolded.split(/\r?\n/).find((field) => field.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  return line ? line.slice(name.length + 1).trim() : null
}

/** The first address of a From field: `Robin <robin@x>` → `robin@x`. */
function firstAddress(field) {
  if (!field) return null
  const bare = field.replace(/"(?:[^"\\]|\\.)*"/g, '').replace(/\([^()]*\)/g, '')
  return (/<([^<>]+)>/.exec(bare)?.[1] ?? bare.split(',')[0]).trim().toLowerCase() || null
}

module.exports = { headerOf, firstAddress }
