'use strict'

const { phrased } = require('./errors.js')

/*
 * What LOGIN and AUTHENTICATE have in common: ask the world who this is, open the account, or refuse in the
 * personality's words. A refused token gets a JSON challenge first (XOAUTH2, and RFC 7628 §3.2.2), which the client
 * answers with an empty line or ^A before the NO comes.
 */

/** What a refusal says where the world gives no challenge of its own. */
const DEFAULT_CHALLENGE = {
  status: '401',
  schemes: 'bearer',
  scope: 'https://outlook.office.com/IMAP.AccessAsUser.All',
}

/**
 * @param {import('./session.js').Session} session
 * @param {import('./server.js').Credentials} credentials
 * @param {'LOGIN' | 'AUTHENTICATE'} command
 * @returns {Promise<import('./dispatch.js').Result>}
 */
async function authenticate(session, credentials, command) {
  const { texts, tellsCapabilities, layout } = session.personality
  let accepted
  try {
    accepted = await session.shared.authenticate(credentials)
  } catch (error) {
    throw await refusal(session, credentials.mechanism, command, /** @type {any} */ (error))
  }
  session.login(session.shared.store.account(accepted.user, { layout }), accepted.expiresAt ?? null)
  return {
    text: texts.authenticated(command),
    code: tellsCapabilities ? `CAPABILITY ${session.capabilities.join(' ')}` : null,
  }
}

/**
 * @param {import('./session.js').Session} session
 * @param {string} mechanism
 * @param {'LOGIN' | 'AUTHENTICATE'} command
 * @param {{ challenge?: object | string | null, text?: string, code?: string, tagged?: 'NO' | 'BAD' }} error
 */
async function refusal(session, mechanism, command, error) {
  const { texts, challenge } = session.personality
  if (challenge && (mechanism === 'XOAUTH2' || mechanism === 'OAUTHBEARER')) {
    const wanted = error.challenge ?? DEFAULT_CHALLENGE
    const json = typeof wanted === 'string' ? wanted : JSON.stringify(wanted)
    session.out.line(`+ ${Buffer.from(json).toString('base64')}`)
    await session.out.drain()
    await session.reader.line()
  }
  const { text, code } = texts.refused(command)
  return phrased(error.tagged ?? 'NO', error.text ?? text, error.tagged === 'BAD' ? null : (error.code ?? code))
}

module.exports = { authenticate }
