'use strict'

const { authenticate } = require('../login.js')
const { bad, no } = require('../errors.js')
const { mechanisms } = require('../sasl.js')

/**
 * RFC 3501 §6.2.2, with the initial response of RFC 4959.
 *
 *     authenticate = "AUTHENTICATE" SP auth-type [SP initial-resp] *(CRLF base64)
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'AUTHENTICATE',
  states: ['clear'],

  async run(session, parser) {
    parser.space()
    const mechanism = parser.atom().toUpperCase()
    const initial = parser.done ? null : (parser.space(), parser.atom())
    parser.end()
    if (session.capabilities.includes('LOGINDISABLED')) throw no('Login is not allowed without TLS', 'PRIVACYREQUIRED')
    if (!session.capabilities.includes(`AUTH=${mechanism}`)) throw no('Unsupported authentication mechanism', 'CANNOT')
    if (initial !== null && !session.capabilities.includes('SASL-IR')) throw bad('No initial response expected')
    // RFC 4959: "=" is the empty response.
    const answers = initial === null ? [] : [initial === '=' ? '' : initial]
    const ask = async (/** @type {string} */ prompt) => answers.shift() ?? (await question(session, prompt))
    return authenticate(session, await mechanisms[mechanism](ask), 'AUTHENTICATE')
  },
}

/**
 * @param {import('../session.js').Session} session
 * @param {string} prompt text to be sent as base64
 * @returns {Promise<string>} the base64 of the client's answer
 */
async function question(session, prompt) {
  session.out.line(`+ ${Buffer.from(prompt, 'latin1').toString('base64')}`)
  await session.out.drain()
  const line = await session.reader.line()
  if (line === null || line === '*') throw bad('Authentication aborted')
  return line
}
