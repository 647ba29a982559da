'use strict'

const { parseHeader, fieldValue } = require('./header.js')
const { parameter, parseParameterized } = require('./parameters.js')

/*
 * Splits a message into its parts by byte offsets (RFC 2046). Our own, because IMAP needs what mail parsers throw away:
 * BODY[1.2.MIME] and BODY[3.TEXT] are exact slices of the stored bytes, BODYSTRUCTURE counts the octets and lines of
 * the encoded body, and a 25 MB part must not be decoded or copied to answer either. npm's parsers (mailparser,
 * postal-mime) give decoded content without offsets.
 *
 * Boundaries are looked for from the outermost in, each with one native search over its own slice, so a part never
 * reaches beyond its parent, whatever its own boundary says.
 */

/** Deeper multiparts are leaves: nobody's mail, but somebody's attack on recursive readers. */
const MAX_DEPTH = 100

/** More parts than this in one message stay unsplit (100,000 siblings would cost minutes of formatting). */
const MAX_PARTS = 10_000

/**
 * @typedef {object} Part
 * @property {import('./header.js').Header} header
 * @property {number} start where the body starts
 * @property {number} end exclusive
 * @property {string} type as written, e.g. `text`
 * @property {string} subtype
 * @property {Array<[string, string]>} parameters
 * @property {boolean} typed whether there is a usable Content-Type
 * @property {Part[]} children of a multipart
 * @property {Part | null} message the message inside message/rfc822
 */

/**
 * @param {Buffer} raw
 * @returns {Part}
 */
function split(raw) {
  return splitPart(raw, 0, raw.length, 'text/plain', 0, { left: MAX_PARTS })
}

/**
 * @param {Buffer} raw
 * @param {number} start
 * @param {number} end
 * @param {string} fallback the type of a part that names none (RFC 2046 §5.1.5: message/rfc822 in a digest)
 * @param {number} depth
 * @param {{ left: number }} budget
 * @returns {Part}
 */
function splitPart(raw, start, end, fallback, depth, budget) {
  const header = parseHeader(raw, start, end)
  const declared = parseParameterized(fieldValue(raw, header, 'content-type'))
  const typed = declared !== null && declared.value.includes('/')
  const [type, subtype] = (typed ? declared.value : fallback).split('/')
  /** @type {Part} */
  const part = {
    header,
    start: header.end,
    end: Math.max(header.end, end),
    type,
    subtype,
    parameters: typed ? declared.parameters : [],
    typed,
    children: [],
    message: null,
  }
  if (depth >= MAX_DEPTH || budget.left <= 0) return part
  const kind = `${type}/${subtype}`.toLowerCase()
  if (kind === 'message/rfc822' || kind === 'message/global') {
    budget.left--
    part.message = splitPart(raw, part.start, part.end, 'text/plain', depth + 1, budget)
  } else if (kind.startsWith('multipart/')) {
    const boundary = parameter(part.parameters, 'boundary')
    const inner = kind === 'multipart/digest' ? 'message/rfc822' : 'text/plain'
    for (const [from, to] of boundary ? slices(raw, part.start, part.end, boundary, budget) : []) {
      part.children.push(splitPart(raw, from, to, inner, depth + 1, budget))
    }
  }
  return part
}

/**
 * What lies between the delimiter lines.
 *
 *     body-part *(delimiter body-part) close-delimiter;  delimiter = CRLF "--" boundary *LWSP CRLF
 *
 * @param {Buffer} raw
 * @param {number} start
 * @param {number} end
 * @param {string} boundary
 * @param {{ left: number }} budget
 * @returns {Array<[number, number]>}
 */
function slices(raw, start, end, boundary, budget) {
  const mark = Buffer.from(`--${boundary}`, 'latin1')
  /** @type {Array<[number, number]>} */
  const found = []
  let open = -1
  for (let at = raw.indexOf(mark, start); at !== -1 && at < end; at = raw.indexOf(mark, at + mark.length)) {
    if (at > start && raw[at - 1] !== 10) continue
    const line = delimiterEnd(raw, at + mark.length, end)
    if (line === null) continue
    if (open !== -1) found.push([open, beforeLineBreak(raw, at, open)])
    if (line.close || --budget.left <= 0) return found
    open = line.end
  }
  // No closing delimiter: the last part reaches as far as its parent.
  if (open !== -1) found.push([open, Math.max(open, end)])
  return found
}

/**
 * The rest of a delimiter line: maybe `--`, then white space only. Otherwise it is text that looks like one, or a
 * longer boundary that starts with ours.
 *
 * @param {Buffer} raw
 * @param {number} at
 * @param {number} end
 * @returns {{ close: boolean, end: number } | null}
 */
function delimiterEnd(raw, at, end) {
  const close = raw[at] === 45 && raw[at + 1] === 45
  if (close) at += 2
  while (at < end && (raw[at] === 32 || raw[at] === 9)) at++
  if (at >= end) return { close, end }
  if (raw[at] === 13 && raw[at + 1] === 10) return { close, end: at + 2 }
  return raw[at] === 10 ? { close, end: at + 1 } : null
}

/**
 * The line break before a delimiter belongs to the delimiter.
 *
 * @param {Buffer} raw
 * @param {number} at
 * @param {number} floor
 */
function beforeLineBreak(raw, at, floor) {
  const end = raw[at - 2] === 13 ? at - 2 : at - 1
  return Math.max(floor, end)
}

module.exports = { split, MAX_DEPTH }
