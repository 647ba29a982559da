'use strict'

const USERINFO = 'https://www.googleapis.com/auth/userinfo'

/** Short names and what they are called in answers. */
const ALIASES = { email: `${USERINFO}.email`, profile: `${USERINFO}.profile` }

const WORDS = {
  'https://mail.google.com/': 'Read, compose, send, and permanently delete all your email',
  [`${USERINFO}.email`]: 'See your primary email address',
  [`${USERINFO}.profile`]: 'See your personal info',
  openid: 'Associate you with your personal info',
}

const MAIL_SCOPE = 'https://mail.google.com/'

/** @param {string | null} text */
function parseGoogleScopes(text) {
  const tokens = (text ?? '').split(/\s+/).filter(Boolean)
  return [...new Set(tokens.map((token) => ALIASES[token] ?? token))]
}

/** @param {string[]} scopes */
function unknownScopes(scopes) {
  return scopes.filter((scope) => !(scope in WORDS))
}

/** @param {string[]} scopes */
function describeGoogle(scopes) {
  return scopes.map((scope) => WORDS[scope])
}

module.exports = { parseGoogleScopes, unknownScopes, describeGoogle, MAIL_SCOPE, USERINFO }
