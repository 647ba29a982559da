'use strict'

const { bad } = require('./errors.js')

/*
 * The client's half of each mechanism, read. `ask(prompt)` gives the base64 of the next answer: the initial response
 * where there was one.
 */

/** @typedef {import('./server.js').Credentials} Credentials */
/** @typedef {(ask: (prompt: string) => Promise<string>) => Promise<Credentials>} Mechanism */

/** @type {Record<string, Mechanism>} */
const mechanisms = {
  /** RFC 4616: `[authzid] NUL authcid NUL passwd` */
  async PLAIN(ask) {
    const [, user, password, ...rest] = decode(await ask('')).split('\0')
    if (user === undefined || password === undefined || rest.length > 0) throw bad('Invalid PLAIN response')
    return { mechanism: 'PLAIN', user, password, token: null }
  },

  /** draft-murchison-sasl-login */
  async LOGIN(ask) {
    const user = decode(await ask('Username:'))
    return { mechanism: 'LOGIN', user, password: decode(await ask('Password:')), token: null }
  },

  /** `user=U ^A auth=Bearer T ^A ^A` */
  async XOAUTH2(ask) {
    const match = /^user=([^\x01]*)\x01auth=Bearer ([^\x01]+)\x01\x01$/i.exec(decode(await ask(''))) // eslint-disable-line no-control-regex
    if (match === null) throw bad('Invalid SASL argument')
    return { mechanism: 'XOAUTH2', user: match[1], password: null, token: match[2] }
  },

  /** RFC 7628 §3.1: a GS2 header, then `key=value` pairs, each ended by ^A */
  async OAUTHBEARER(ask) {
    const response = decode(await ask(''))
    const match = /^[nyp][^,]*,(?:a=([^,]*))?,\x01/.exec(response) // eslint-disable-line no-control-regex
    const token = /\x01auth=Bearer ([^\x01]+)\x01/i.exec(response) // eslint-disable-line no-control-regex
    if (match === null || token === null || !response.endsWith('\x01\x01')) throw bad('Invalid SASL argument')
    const user = match[1]?.replace(/=2C/gi, ',').replace(/=3D/gi, '=') ?? null
    return { mechanism: 'OAUTHBEARER', user, password: null, token: token[1] }
  },
}

/**
 * @param {string} base64
 * @returns {string}
 */
function decode(base64) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(base64)) throw bad('Invalid base64 data')
  return Buffer.from(base64, 'base64').toString('utf8')
}

module.exports = { mechanisms }
