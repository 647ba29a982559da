'use strict'

/*
 * `type/subtype; name=value` and `token; name=value` (RFC 2045 §5.1, RFC 2183). Values are given as they stand: what
 * RFC 2231 and 2047 encode is left encoded, since BODYSTRUCTURE shows it so.
 */

/** @typedef {{ value: string, parameters: Array<[string, string]> }} Parameterized */

/** A parameter list longer than this is an attack, not a mail. */
const MAX_PARAMETERS = 200

/**
 * @param {string | null} text
 * @returns {Parameterized | null} null when there is nothing that reads as a value
 */
function parseParameterized(text) {
  if (text === null) return null
  const clean = text.includes('(') ? withoutComments(text) : text
  const head = /^[ \t]*([^\s;="]+(?:[ \t]*\/[ \t]*[^\s;="]+)?)/.exec(clean)
  if (head === null) return null
  /** @type {Array<[string, string]>} */
  const parameters = []
  const pattern = /;[ \t]*([^\s=;"]+)[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)"?|([^;\s]*))|;/g
  pattern.lastIndex = head[0].length
  for (let match = pattern.exec(clean); match !== null; match = pattern.exec(clean)) {
    if (match[1] === undefined) continue
    parameters.push([match[1], match[2] !== undefined ? match[2].replace(/\\(.)/g, '$1') : match[3]])
    if (parameters.length >= MAX_PARAMETERS) break
  }
  return { value: head[1].replace(/[ \t]/g, ''), parameters }
}

/**
 * @param {Array<[string, string]>} parameters
 * @param {string} name lower case
 * @returns {string | null}
 */
function parameter(parameters, name) {
  const found = parameters.find(([key]) => key.toLowerCase() === name)
  return found === undefined ? null : found[1]
}

/**
 * Comments (RFC 5322 §3.2.2) outside of quoted strings become nothing.
 *
 * @param {string} text
 */
function withoutComments(text) {
  let out = ''
  let depth = 0
  let quoted = false
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') {
      if (depth === 0) out += text.slice(at, at + 2)
      at++
    } else if (quoted) {
      out += char
      if (char === '"') quoted = false
    } else if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (depth === 0) {
      out += char
      if (char === '"') quoted = true
    }
  }
  return out
}

module.exports = { parameter, parseParameterized, withoutComments }
