'use strict'

const { URLSearchParams } = require('node:url')

const { timingSafeEqual, createHash } = require('node:crypto')
const { AadstsError } = require('./aadsts')

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const CLOCK_SKEW_S = 300

/**
 * RFC 6749 §2.3: by secret in the body, by HTTP Basic, or by a signed assertion (RFC 7523).
 *
 * @param {import('./server').Context} context
 * @param {any} client
 * @param {{ form: URLSearchParams, headers: import('node:http').IncomingHttpHeaders, url: URL }} request
 * @param {{ publicAllowed?: boolean }} [options] the grant may be used without credentials if the app allows public flows
 */
async function authenticateClient(context, client, request, { publicAllowed = false } = {}) {
  const assertion = request.form.get('client_assertion')
  const secret = request.form.get('client_secret') ?? basicSecret(request.headers.authorization, client.id)
  const confidential = client.secrets.length > 0 || client.certificates.length > 0
  if (!confidential && (secret || assertion)) throw new AadstsError(700025)
  if (assertion) return checkAssertion(context, client, request, assertion)
  if (secret) return checkSecret(client, secret)
  if (!confidential || (publicAllowed && client.allowPublicClient)) return
  throw new AadstsError(7000218)
}

function checkSecret(client, secret) {
  const match = client.secrets.find(({ value }) => same(value, secret))
  if (!match) throw new AadstsError(7000215, { clientId: client.id })
  if (match.expiresAt && new Date(match.expiresAt).getTime() <= Date.now()) {
    throw new AadstsError(7000222, { clientId: client.id })
  }
}

async function checkAssertion(context, client, { form, url }, assertion) {
  const { jose } = context.keys
  if (form.get('client_assertion_type') !== ASSERTION_TYPE) throw new AadstsError(50012)
  let header
  try {
    header = jose.decodeProtectedHeader(assertion)
  } catch {
    throw new AadstsError(50012)
  }
  const certificate = client.certificates.find(
    ({ sha256, sha1 }) => (header['x5t#S256'] ?? '') === sha256 || header.x5t === sha1,
  )
  if (!certificate) throw new AadstsError(700027, { detail: 'Reason - The key was not found.' })
  try {
    await jose.jwtVerify(assertion, certificate.publicKey, {
      algorithms: ['PS256', 'RS256'],
      issuer: client.id,
      subject: client.id,
      audience: [`${context.origin()}${url.pathname}`, url.origin + url.pathname],
      requiredClaims: ['exp', 'jti'],
      clockTolerance: CLOCK_SKEW_S,
    })
  } catch (error) {
    throw assertionError(error)
  }
}

/** @param {any} error of jose */
function assertionError(error) {
  if (error.code === 'ERR_JWT_EXPIRED' || error.claim === 'nbf' || error.claim === 'exp') return new AadstsError(700024)
  if (error.claim === 'aud') return new AadstsError(700023)
  if (error.claim === 'iss' || error.claim === 'sub') return new AadstsError(700021)
  if (error.claim === 'jti') return new AadstsError(50012)
  return new AadstsError(700027, { detail: 'Reason - The key used is not the one of the certificate.' })
}

/** RFC 6749 §2.3.1: both parts are form-encoded inside the Basic credentials. */
function basicSecret(header, clientId) {
  const match = /^Basic (.+)$/i.exec(header ?? '')
  if (!match) return null
  const text = Buffer.from(match[1], 'base64').toString('utf8')
  const at = text.indexOf(':')
  const [id, secret] = [text.slice(0, at), text.slice(at + 1)].map((part) => new URLSearchParams(`v=${part}`).get('v'))
  return id === clientId ? secret : null
}

/** The id of a client that authenticates by HTTP Basic alone. */
function basicUser({ authorization = '' }) {
  const match = /^Basic (.+)$/i.exec(authorization)
  return match ? decodeURIComponent(Buffer.from(match[1], 'base64').toString('utf8').split(':')[0]) : null
}

function same(a, b) {
  const digest = (text) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(a), digest(b))
}

module.exports = { authenticateClient, checkSecret, basicSecret, basicUser }
