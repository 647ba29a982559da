'use strict'

require('reflect-metadata')
const x509 = require('@peculiar/x509')
const { KeyObject, randomBytes, webcrypto } = require('node:crypto')

const ALGORITHM = {
  name: 'RSASSA-PKCS1-v1_5',
  hash: 'SHA-256',
  modulusLength: 2048,
  publicExponent: new Uint8Array([1, 0, 1]),
}
const DAY_MS = 86_400_000

/**
 * A self-signed RSA certificate, as people upload one to an app registration: for `clientCertificate` of the client under test, and
 * its `certificate` for `setClient(id, { certificates })`.
 *
 * @param {{ name?: string }} [options]
 * @returns {Promise<{ privateKey: string, certificate: string }>} PEM
 */
async function createClientCertificate({ name = 'Example CRM mail' } = {}) {
  const keys = await webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: `01${randomBytes(15).toString('hex')}`,
    name: `CN=${name}`,
    notBefore: new Date(Date.now() - DAY_MS),
    notAfter: new Date(Date.now() + 365 * DAY_MS),
    signingAlgorithm: ALGORITHM,
    keys,
  })
  return {
    privateKey: KeyObject.from(keys.privateKey).export({ type: 'pkcs8', format: 'pem' }).toString(),
    certificate: certificate.toString('pem'),
  }
}

module.exports = { createClientCertificate }
