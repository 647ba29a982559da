'use strict'

require('reflect-metadata') // @peculiar/x509 stands on a container that wants it loaded first
const x509 = require('@peculiar/x509')
const { isIP } = require('node:net')
const { KeyObject, randomBytes, webcrypto } = require('node:crypto')

x509.cryptoProvider.set(webcrypto)

const ALGORITHM = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
const DAY_MS = 86_400_000
const LOOPBACK = ['localhost', '127.0.0.1', '::1']

/**
 * @typedef {{ key: string, cert: string }} KeyPair PEM; `cert` is the leaf followed by nothing: the root is trusted directly
 * @typedef {{ names?: string[], notBefore?: Date, notAfter?: Date }} LeafOptions
 * @typedef {{ certificate: string, issue: (options?: LeafOptions) => Promise<KeyPair> }} Authority
 */

/**
 * A certificate authority of its own for each world: nothing signed by one is trusted by a client of another.
 *
 * @param {{ name?: string }} [options]
 * @returns {Promise<Authority>}
 */
async function createAuthority({ name = 'Simulated Mail World CA' } = {}) {
  const keys = await generateKeys()
  const root = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serial(),
    name: `CN=${name}`,
    ...validity({}),
    signingAlgorithm: ALGORITHM,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return {
    certificate: root.toString('pem'),
    issue: (options = {}) => issue(root, keys.privateKey, options),
  }
}

/**
 * A server certificate; expired ones and ones for other hosts are what TLS tests are made of.
 *
 * @param {x509.X509Certificate} root
 * @param {CryptoKey} signingKey
 * @param {LeafOptions} options
 * @returns {Promise<KeyPair>}
 */
async function issue(root, signingKey, { names = LOOPBACK, notBefore, notAfter }) {
  const keys = await generateKeys()
  const leaf = await x509.X509CertificateGenerator.create({
    serialNumber: serial(),
    subject: `CN=${names[0]}`,
    issuer: root.subject,
    ...validity({ notBefore, notAfter }),
    signingAlgorithm: ALGORITHM,
    publicKey: keys.publicKey,
    signingKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth]),
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) ? 'ip' : 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(root),
    ],
  })
  const key = KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString()
  return { key, cert: leaf.toString('pem') }
}

/** @returns {Promise<CryptoKeyPair>} */
function generateKeys() {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
}

/**
 * A day back, for clocks that differ; under 398 days, which is the most that some platforms accept.
 *
 * @param {{ notBefore?: Date, notAfter?: Date }} wishes
 */
function validity({ notBefore, notAfter }) {
  return {
    notBefore: notBefore ?? new Date(Date.now() - DAY_MS),
    notAfter: notAfter ?? new Date(Date.now() + 365 * DAY_MS),
  }
}

/** Positive, as RFC 5280 §4.1.2.2 wants it. */
function serial() {
  const bytes = randomBytes(16)
  bytes[0] = (bytes[0] & 0x7f) | 0x01
  return bytes.toString('hex')
}

module.exports = { createAuthority }
