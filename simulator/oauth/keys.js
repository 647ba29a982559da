'use strict'

const { generateKeyPair, randomUUID } = require('node:crypto')
const { promisify } = require('node:util')

/**
 * The keys that sign tokens. `rotate()` makes a new one and keeps the old ones published, as Entra does;
 * `rotate({ forget: true })` withdraws them.
 */
class KeyRing {
  /** @param {typeof import('jose')} jose */
  constructor(jose) {
    this.jose = jose
    /** @type {{ kid: string, privateKey: any, publicKeyPem: string, jwk: object }[]} newest first */
    this.keys = []
  }

  static async create() {
    const ring = new KeyRing(await import('jose'))
    await ring.rotate()
    return ring
  }

  get current() {
    return this.keys[0]
  }

  async rotate({ forget = false } = {}) {
    const { privateKey, publicKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
    const kid = randomUUID().replaceAll('-', '')
    const jwk = { ...(await this.jose.exportJWK(publicKey)), kty: 'RSA', use: 'sig', kid, alg: 'RS256' }
    const publicKeyPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
    this.keys = [{ kid, privateKey, publicKeyPem, jwk }, ...(forget ? [] : this.keys)]
    return kid
  }

  jwks() {
    return { keys: this.keys.map(({ jwk }) => jwk) }
  }

  /** @param {object} claims everything, times included */
  sign(claims) {
    return new this.jose.SignJWT(claims)
      .setProtectedHeader({ typ: 'JWT', alg: 'RS256', kid: this.current.kid })
      .sign(this.current.privateKey)
  }

  /** The claims of a token that one of these keys signed and that has not expired; rejects otherwise. */
  async verify(token) {
    const local = this.jose.createLocalJWKSet(this.jwks())
    const { payload } = await this.jose.jwtVerify(token, local, { algorithms: ['RS256'] })
    return payload
  }
}

module.exports = { KeyRing }
