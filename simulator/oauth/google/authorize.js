'use strict'

const { begin, openFlow } = require('../interaction')
const { isRegistered } = require('../redirect-uri')
const { redirect } = require('../respond')
const { GoogleError } = require('./errors')
const { describeGoogle, parseGoogleScopes, unknownScopes } = require('./scopes')

/**
 * `/o/oauth2/v2/auth`. A refresh token comes only with `access_type=offline`, and then only when the person was asked: at the first
 * consent, or with `prompt=consent`.
 */
function authorizeGoogle(context, incoming, response) {
  const parameters = incoming.query
  const client = context.directory.clients.get(parameters.get('client_id') ?? '')
  if (client?.provider !== 'google') throw new GoogleError('invalid_client', 'The OAuth client was not found.', 401)
  const redirectUri = parameters.get('redirect_uri') ?? ''
  if (!isRegistered(client, redirectUri)) {
    throw new GoogleError(
      'redirect_uri_mismatch',
      `The redirect URI ${redirectUri} is not registered for ${client.name}.`,
    )
  }
  if (parameters.get('response_type') !== 'code') {
    throw new GoogleError('unsupported_response_type', 'Only response_type=code is simulated.')
  }
  const scopes = parseGoogleScopes(parameters.get('scope'))
  if (scopes.length === 0) throw new GoogleError('invalid_request', 'Missing required parameter: scope')
  const unknown = unknownScopes(scopes)
  if (unknown.length > 0)
    throw new GoogleError('invalid_scope', `Some requested scopes were invalid: ${unknown.join(' ')}`)
  const challenge = parameters.get('code_challenge')
  const pkce = challenge ? { challenge, method: parameters.get('code_challenge_method') ?? 'plain' } : null
  const back = (/** @type {Record<string, string>} */ values) => ({
    location: callback(redirectUri, { state: parameters.get('state'), iss: context.origin(), ...values }),
  })
  let asked = false
  const flow = openFlow(context, {
    brand: 'google',
    client,
    loginHint: parameters.get('login_hint'),
    prompt: parameters.get('prompt'),
    consent: () => {
      const given = context.grants.consented(flow.account.user, client.id)
      if (flow.prompt !== 'consent' && scopes.every((scope) => given.has(scope))) return { kind: 'none' }
      asked = true
      return { kind: 'ask', words: describeGoogle(scopes) }
    },
    decline: (error) => back({ error: error.code === 65004 ? 'access_denied' : error.error }),
    finish: () => {
      const { user } = flow.account
      context.grants.consent(user, client.id, scopes)
      const code = context.grants.issueCode({
        user,
        clientId: client.id,
        provider: 'google',
        scopes: null,
        googleScopes: scopes,
        offline: asked && parameters.get('access_type') === 'offline',
        mfa: flow.mfa,
        redirectUri,
        pkce,
        nonce: parameters.get('nonce') ?? undefined,
      })
      return back({ code, scope: scopes.join(' '), authuser: '0', prompt: asked ? 'consent' : 'none' })
    },
  })
  if (incoming.fault) return redirect(response, back({ error: incoming.fault.error }).location)
  begin(context, flow, incoming, response)
}

function callback(redirectUri, values) {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(values)) if (value !== null) url.searchParams.set(name, value)
  return url.href
}

module.exports = { authorizeGoogle }
