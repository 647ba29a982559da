'use strict'

const { authenticate } = require('../login.js')
const { no } = require('../errors.js')

/**
 * RFC 3501 §6.2.3.
 *
 * @type {import('../dispatch.js').Handler}
 */
module.exports = {
  name: 'LOGIN',
  states: ['clear'],

  async run(session, parser) {
    parser.space()
    const user = Buffer.from(parser.astring(), 'latin1').toString('utf8')
    parser.space()
    const password = Buffer.from(parser.astring(), 'latin1').toString('utf8')
    parser.end()
    if (session.capabilities.includes('LOGINDISABLED')) throw no('Login is not allowed without TLS', 'PRIVACYREQUIRED')
    return authenticate(session, { mechanism: 'LOGIN', user, password, token: null }, 'LOGIN')
  },
}
