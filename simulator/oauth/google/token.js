'use strict'

const { createHash } = require('node:crypto')
const { CODE_LIFETIME_S } = require('../grants-store')
const { provesPossession } = require('../grants/authorization-code')
const { basicSecret, basicUser } = require('../client-authentication')
const { sendJson } = require('../respond')
const { filler, seconds } = require('../tokens')
const { GoogleError } = require('./errors')
const { USERINFO } = require('./scopes')

const UNUSED_LIFETIME_S = 180 * 86_400
const TESTING_LIFETIME_S = 7 * 86_400

/** `/token` */
async function tokenGoogle(context, { form, headers }, response) {
  const client = context.directory.clients.get(form.get('client_id') ?? basicUser(headers) ?? '')
  if (client?.provider !== 'google') throw new GoogleError('invalid_client', 'The OAuth client was not found.', 401)
  const secret = form.get('client_secret') ?? basicSecret(headers.authorization, client.id)
  if (!secret) throw new GoogleError('invalid_request', 'client_secret is missing.')
  if (!client.secrets.some(({ value }) => value === secret)) {
    throw new GoogleError('invalid_client', 'The provided client secret is invalid.', 401)
  }
  const grantType = form.get('grant_type')
  if (grantType === 'authorization_code') return sendJson(response, 200, await redeemCode(context, client, form))
  if (grantType === 'refresh_token') return sendJson(response, 200, await refresh(context, client, form))
  throw new GoogleError('unsupported_grant_type', `Invalid grant_type: ${grantType ?? ''}`)
}

async function redeemCode(context, client, form) {
  const record = context.grants.codes.get(form.get('code') ?? '')
  if (!record || record.provider !== 'google' || record.clientId !== client.id) {
    throw new GoogleError('invalid_grant', 'Malformed auth code.')
  }
  if (record.redeemed || Date.now() - record.issuedAt > CODE_LIFETIME_S * 1000)
    throw new GoogleError('invalid_grant', 'Bad Request')
  if (form.get('redirect_uri') !== record.redirectUri) throw new GoogleError('redirect_uri_mismatch', 'Bad Request')
  const verifier = form.get('code_verifier')
  if (!provesPossession(record.pkce, verifier)) {
    throw new GoogleError('invalid_grant', verifier ? 'Invalid code verifier.' : 'Missing code verifier.')
  }
  record.redeemed = true
  const lifetime = client.testing ? TESTING_LIFETIME_S : UNUSED_LIFETIME_S
  const refreshToken = record.offline ? context.grants.issueRefreshToken(record, { lifetime }).token : null
  return {
    ...(await answer(context, client, record)),
    ...(refreshToken && { refresh_token: refreshToken }),
    ...(refreshToken && client.testing && { refresh_token_expires_in: lifetime }),
  }
}

/** No refresh token in the answer: the old one stays the one. */
async function refresh(context, client, form) {
  const record = context.grants.refreshTokens.get(form.get('refresh_token') ?? '')
  const known = record?.provider === 'google' && record.clientId === client.id && context.directory.account(record.user)
  if (!known) throw new GoogleError('invalid_grant', 'Bad Request')
  const since = client.testing ? record.issuedAt : record.usedAt
  if (record.state !== 'live' || Date.now() - since > record.lifetime * 1000) {
    throw new GoogleError('invalid_grant', 'Token has been expired or revoked.')
  }
  record.usedAt = Date.now()
  return answer(context, client, record)
}

async function answer(context, client, { user, googleScopes, nonce }) {
  const account = context.directory.account(user)
  const lifetime = context.settings.tokenLifetimeSeconds
  const accessToken = issueGoogleToken(context, { user, scopes: googleScopes, lifetime, clientId: client.id })
  const openid = googleScopes.includes('openid')
  return {
    access_token: accessToken,
    expires_in: lifetime,
    scope: googleScopes.join(' '),
    token_type: 'Bearer',
    ...(openid && {
      id_token: await idToken(context, { account, client, nonce, accessToken, lifetime, scopes: googleScopes }),
    }),
  }
}

/** Google's access tokens are opaque: only this server knows what they are. */
function issueGoogleToken(context, { user, scopes, lifetime, clientId }) {
  const token = `ya29.a0${filler(200)}`
  context.googleTokens.set(token, { user, scopes, clientId, expiresAt: Date.now() + lifetime * 1000 })
  return token
}

function idToken(context, { account, client, nonce, accessToken, lifetime, scopes }) {
  const now = seconds()
  return context.keys.sign({
    iss: context.origin(),
    azp: client.id,
    aud: client.id,
    sub: googleSubject(account),
    ...(scopes.includes(`${USERINFO}.email`) && { email: account.user, email_verified: true }),
    at_hash: createHash('sha256').update(accessToken).digest().subarray(0, 16).toString('base64url'),
    ...(nonce !== undefined && { nonce }),
    ...(scopes.includes(`${USERINFO}.profile`) && { name: account.name }),
    iat: now,
    exp: now + lifetime,
  })
}

/** 21 digits, the same for every app. */
function googleSubject(account) {
  const digits = BigInt(`0x${account.oid.replaceAll('-', '')}`)
    .toString()
    .padStart(20, '0')
  return `1${digits.slice(0, 20)}`
}

module.exports = { tokenGoogle, issueGoogleToken, googleSubject }
