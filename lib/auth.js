'use strict'

const { fieldOf, hasFields } = require('./encode.js')
const { invalidArgument } = require('./error.js')
const { tokenHook } = require('./hooks.js')
const { sourceHandle, TokenSource } = require('./oauth.js')

/**
 * Splits `auth` into what goes as JSON and what cannot: a token source's native handle, a callback.
 * The three results are the last arguments of every native `connect`.
 */
function splitAuth(auth) {
  if (auth === undefined || auth === null) return { auth: null, source: null, callback: null }
  if (!hasFields(auth)) throw invalidArgument('auth is not an object')
  const [user, password, accessToken] = ['user', 'password', 'accessToken'].map((name) => fieldOf(auth, name))
  if (accessToken === undefined) return { auth: { user, password }, source: null, callback: null }
  if (password !== undefined) throw invalidArgument('auth has both a password and an accessToken')
  if (typeof accessToken === 'string') return { auth: { user, accessToken }, source: null, callback: null }
  if (typeof accessToken === 'function') return { auth: { user }, source: null, callback: tokenHook(accessToken) }
  if (accessToken instanceof TokenSource) {
    return { auth: { user }, source: sourceHandle(accessToken), callback: null }
  }
  throw invalidArgument('auth.accessToken is neither a string, a TokenSource nor a function')
}

module.exports = { splitAuth }
