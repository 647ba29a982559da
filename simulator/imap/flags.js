'use strict'

const { utf8 } = require('./syntax.js')

/*
 * FLAGS and PERMANENTFLAGS (RFC 3501 §7.2.6, §7.1): at SELECT, and again when somebody has made a new keyword.
 */

/**
 * @param {import('./personalities/default.js').Personality} personality
 * @param {import('./view.js').View} view
 */
function flagLists({ flags, keywords }, view) {
  view.knownKeywords = view.mailbox.keywords.size
  const known = [...new Set([...flags, ...view.mailbox.keywords.values()])]
  const permanent = view.readOnly ? [] : keywords ? [...known, '\\*'] : flags
  const list = (/** @type {string[]} */ words) => `(${utf8(words.join(' '))})`
  return { known: list(known), permanent: list(permanent) }
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./view.js').View} view
 */
function tellNewKeywords({ out, personality }, view) {
  if (!personality.keywords || view.knownKeywords === view.mailbox.keywords.size) return
  const { known, permanent } = flagLists(personality, view)
  out.line(`* FLAGS ${known}`)
  out.line(`* OK [PERMANENTFLAGS ${permanent}] ${personality.texts.select.PERMANENTFLAGS ?? ''}`)
}

module.exports = { flagLists, tellNewKeywords }
