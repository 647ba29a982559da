'use strict'

const { encode } = require('./encode.js')
const { FIELDS, invalidArgument, kindOf } = require('./error.js')

/*
 * Functions of the caller's that native code calls (token, load, save). Each wrapper always resolves, with JSON:
 * `{"ok": …}` or `{"error": …}`, so that no rejection gets lost on the way and a MailError keeps its fields.
 */

/** `() => Promise<string>`: an access token. */
function tokenHook(accessToken) {
  return hook('auth.accessToken', accessToken, async () => {
    const token = await accessToken()
    if (typeof token !== 'string' || token === '') throw invalidArgument('auth.accessToken() gave no string')
    return token
  })
}

/** `() => Promise<TokenSet | null>`: what another process stored. */
function loadHook(load) {
  return hook('load', load, async () => (await load()) ?? null)
}

/** `(next, previous) => Promise<void>`: keeps a rotated token. */
function saveHook(save) {
  return hook('save', save, async (json) => {
    const [next, previous] = JSON.parse(json)
    await save(next, previous)
    return null
  })
}

function hook(name, given, work) {
  if (given === undefined || given === null) return null
  if (typeof given !== 'function') throw invalidArgument(`${name} is not a function`)
  return async (json) => {
    try {
      return encode({ ok: await work(json) }, name).json
    } catch (thrown) {
      return JSON.stringify({ error: failureOf(name, thrown) })
    }
  }
}

/** The thrown message may hold anything, secrets included: only its class is told on. */
function failureOf(name, thrown) {
  if (isMailError(thrown)) {
    const { message } = thrown
    return { message, ...Object.fromEntries(FIELDS.map((field) => [field, thrown[field]])) }
  }
  return { code: 'CALLBACK_FAILED', message: `${name} failed with ${kindOf(thrown)}` }
}

/** Of this copy of the addon or of another one in the process. */
function isMailError(thrown) {
  return thrown instanceof Error && thrown.name === 'MailError' && typeof thrown.code === 'string'
}

module.exports = { loadHook, saveHook, tokenHook }
