'use strict'

/*
 * Address lists (RFC 5322 §3.4, with the obsolete routes of §4.4) as ENVELOPE shows them: display name and local part
 * still encoded, groups as a start and an end marker.
 */

/**
 * @typedef {object} EnvelopeAddress
 * @property {string | null} name
 * @property {string | null} route
 * @property {string | null} mailbox null ends a group
 * @property {string | null} host null starts (with `mailbox`) or ends a group
 */

/** What Dovecot and others put where an address lacks its half, so that it is no group marker. */
const MISSING_HOST = 'MISSING_DOMAIN'
const MISSING_MAILBOX = 'MISSING_MAILBOX'

/** A header with more addresses is cut: ENVELOPE of a 50 MB To: line helps nobody. */
const MAX_ADDRESSES = 10_000

/** @typedef {{ kind: 'word' | 'comment' | 'domain' | 'special', text: string, spaced: boolean }} Token */

/**
 * @param {string} text an unfolded header value
 * @returns {EnvelopeAddress[]}
 */
function parseAddresses(text) {
  const tokens = tokenize(text)
  /** @type {EnvelopeAddress[]} */
  const list = []
  let at = 0
  let inGroup = false
  while (at < tokens.length && list.length < MAX_ADDRESSES) {
    const end = addressEnd(tokens, at)
    const slice = tokens.slice(at, end.at)
    if (end.stop === ':') {
      list.push({ name: null, route: null, mailbox: phrase(slice) ?? '', host: null })
      inGroup = true
    } else {
      const address = oneAddress(slice)
      if (address !== null) list.push(address)
      if (end.stop === ';' && inGroup) {
        list.push({ name: null, route: null, mailbox: null, host: null })
        inGroup = false
      }
    }
    at = end.at + 1
  }
  if (inGroup) list.push({ name: null, route: null, mailbox: null, host: null })
  return list
}

/**
 * Where the address that starts at `at` ends: the next `,` `;` or (for a group) `:` outside of `<…>`.
 *
 * @param {Token[]} tokens
 * @param {number} at
 */
function addressEnd(tokens, at) {
  let angle = false
  for (; at < tokens.length; at++) {
    const { kind, text } = tokens[at]
    if (kind !== 'special') continue
    if (text === '<') angle = true
    else if (text === '>') angle = false
    else if (!angle && (text === ',' || text === ';' || text === ':')) return { at, stop: text }
  }
  return { at, stop: '' }
}

/**
 * @param {Token[]} tokens
 * @returns {EnvelopeAddress | null}
 */
function oneAddress(tokens) {
  const open = tokens.findIndex(isSpecial('<'))
  if (open !== -1) {
    const close = tokens.findIndex((token, index) => index > open && isSpecial('>')(token))
    const inside = tokens.slice(open + 1, close === -1 ? tokens.length : close)
    const colon = inside.findIndex(isSpecial(':'))
    const route = colon === -1 ? null : joined(inside.slice(0, colon))
    return { name: phrase(tokens.slice(0, open)) ?? comment(tokens), route, ...addrSpec(inside.slice(colon + 1)) }
  }
  if (!tokens.some(({ kind }) => kind !== 'comment')) return null
  return { name: comment(tokens), route: null, ...addrSpec(tokens) }
}

/**
 *     addr-spec = local-part "@" domain
 *
 * @param {Token[]} tokens
 */
function addrSpec(tokens) {
  const at = tokens.findLastIndex(isSpecial('@'))
  if (at === -1) return { mailbox: joined(tokens) || MISSING_MAILBOX, host: MISSING_HOST }
  return {
    mailbox: joined(tokens.slice(0, at)) || MISSING_MAILBOX,
    host: joined(tokens.slice(at + 1)) || MISSING_HOST,
  }
}

/** @param {Token[]} tokens */
function phrase(tokens) {
  let text = ''
  for (const token of tokens) {
    if (token.kind === 'comment') continue
    text += (text !== '' && token.spaced ? ' ' : '') + token.text
  }
  return text === '' ? null : text
}

/** @param {Token[]} tokens */
function comment(tokens) {
  const found = tokens.findLast(({ kind }) => kind === 'comment')
  return found === undefined || found.text === '' ? null : found.text
}

/** @param {Token[]} tokens */
function joined(tokens) {
  return tokens
    .filter(({ kind }) => kind !== 'comment')
    .map(({ text }) => text)
    .join('')
}

/** @param {string} text */
function isSpecial(text) {
  return (/** @type {Token} */ token) => token.kind === 'special' && token.text === text
}

/**
 * @param {string} text
 * @returns {Token[]}
 */
function tokenize(text) {
  /** @type {Token[]} */
  const tokens = []
  const pattern = /([ \t\r\n]+)|"((?:[^"\\]|\\[^])*)"?|(\()|(\[[^\]]*\]?)|([<>@,;:])|([^ \t\r\n"()<>@,;:[]+|[^])/g
  let spaced = false
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match[1] !== undefined) {
      spaced = true
      continue
    }
    if (match[3] !== undefined) {
      const end = commentEnd(text, match.index)
      const inner = text.slice(match.index + 1, end - 1).replace(/\\([^])/g, '$1')
      tokens.push({ kind: 'comment', text: inner.trim(), spaced })
      pattern.lastIndex = end
    } else if (match[2] !== undefined) tokens.push({ kind: 'word', text: match[2].replace(/\\([^])/g, '$1'), spaced })
    else if (match[4] !== undefined) tokens.push({ kind: 'domain', text: match[4], spaced })
    else if (match[5] !== undefined) tokens.push({ kind: 'special', text: match[5], spaced })
    else tokens.push({ kind: 'word', text: match[6], spaced })
    spaced = false
  }
  return tokens
}

/**
 * Behind the `)` that closes the comment opened at `at`; comments nest.
 *
 * @param {string} text
 * @param {number} at
 */
function commentEnd(text, at) {
  let depth = 0
  for (; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '(') depth++
    else if (text[at] === ')' && --depth === 0) return at + 1
  }
  return text.length + 1
}

module.exports = { parseAddresses }
