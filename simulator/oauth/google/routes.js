'use strict'

const { answer } = require('../interaction')
const { sendJson } = require('../respond')
const { authorizeGoogle } = require('./authorize')
const { GoogleError } = require('./errors')
const { parseGoogleScopes, USERINFO } = require('./scopes')
const { googleSubject, tokenGoogle } = require('./token')

/** What a screen without a keyboard may ask for. */
const DEVICE_SCOPES = ['openid', `${USERINFO}.email`, `${USERINFO}.profile`]

/** `/userinfo` (OpenID Connect Core §5.3) */
function userinfo(context, incoming, response) {
  const bearer = /^Bearer (.+)$/i.exec(incoming.headers.authorization ?? '')?.[1]
  const token = context.googleTokens.get(bearer ?? '')
  const account = token && token.expiresAt > Date.now() ? context.directory.account(token.user) : null
  if (!account) throw new GoogleError('invalid_request', 'Invalid Credentials', 401)
  const [givenName, ...rest] = account.name.split(' ')
  sendJson(response, 200, {
    sub: googleSubject(account),
    ...(token.scopes.includes(`${USERINFO}.profile`) && {
      name: account.name,
      given_name: givenName,
      family_name: rest.join(' '),
    }),
    ...(token.scopes.includes(`${USERINFO}.email`) && { email: account.user, email_verified: true }),
  })
}

/** `/revoke` (RFC 7009): either token of a grant ends all of it, and the consent with it. */
function revoke(context, incoming, response) {
  const value = incoming.form.get('token') ?? incoming.query.get('token') ?? ''
  const grant = context.grants.refreshTokens.get(value) ?? context.googleTokens.get(value)
  const isOver = grant?.provider && grant.provider !== 'google'
  if (!grant || isOver || grant.state === 'revoked') throw new GoogleError('invalid_token', 'Token expired or revoked')
  const { user, clientId } = grant
  context.grants.revoke((record) => record.user === user && record.clientId === clientId)
  context.grants.withdrawConsent(user, clientId)
  for (const [token, record] of context.googleTokens) {
    if (record.user === user && record.clientId === clientId) context.googleTokens.delete(token)
  }
  sendJson(response, 200, {})
}

/** `/device/code`: Google's device flow has a few scopes of its own, and mail is not among them. */
function deviceCode(context, { form }) {
  const client = context.directory.clients.get(form.get('client_id') ?? '')
  if (client?.provider !== 'google') throw new GoogleError('invalid_client', 'The OAuth client was not found.', 401)
  const refused = parseGoogleScopes(form.get('scope')).find((scope) => !DEVICE_SCOPES.includes(scope))
  if (refused) throw new GoogleError('invalid_scope', `Invalid device flow scope: ${refused}`)
  throw new GoogleError('unauthorized_client', 'Invalid client type.')
}

function metadata(context, _incoming, response) {
  const origin = context.origin()
  sendJson(response, 200, {
    issuer: origin,
    authorization_endpoint: `${origin}/o/oauth2/v2/auth`,
    token_endpoint: `${origin}/token`,
    userinfo_endpoint: `${origin}/userinfo`,
    revocation_endpoint: `${origin}/revoke`,
    jwks_uri: `${origin}/oauth2/v3/certs`,
    response_types_supported: ['code'],
    subject_types_supported: ['public'],
    id_token_signing_alg_values_supported: ['RS256'],
    scopes_supported: ['openid', 'email', 'profile'],
    token_endpoint_auth_methods_supported: ['client_secret_post', 'client_secret_basic'],
    code_challenge_methods_supported: ['plain', 'S256'],
    grant_types_supported: ['authorization_code', 'refresh_token'],
    authorization_response_iss_parameter_supported: true,
  })
}

function certs(context, _incoming, response) {
  sendJson(response, 200, context.keys.jwks())
}

/** method, path, name for `failNext`, look of errors, handler */
const ROUTES = [
  ['GET', '/o/oauth2/v2/auth', 'authorize', 'page', authorizeGoogle],
  ['POST', '/signin', 'page', 'page', answer],
  ['POST', '/token', 'token', 'google', tokenGoogle],
  ['GET', '(?:/oauth2/v3)?/userinfo', 'me', 'google', userinfo],
  ['POST', '/device/code', 'devicecode', 'google', deviceCode],
  ['POST', '/revoke', 'revoke', 'google', revoke],
  ['GET', '/oauth2/v3/certs', 'jwks', 'google', certs],
  ['GET', '/\\.well-known/openid-configuration', 'metadata', 'google', metadata],
]

module.exports = { ROUTES }
