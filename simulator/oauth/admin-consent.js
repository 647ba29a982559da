'use strict'

const { AadstsError } = require('./aadsts')
const { begin, openFlow } = require('./interaction')
const { isRegistered } = require('./redirect-uri')
const { errorBody } = require('./respond')
const { consentKeys, describe, parseScopes } = require('./scopes')
const { findClient, resolveTenancy } = require('./tenancy')

/** `/{tenant}/v2.0/adminconsent`: an administrator consents once for everybody in the tenant. */
function adminConsent(context, incoming, response) {
  const { query } = incoming
  const tenancy = resolveTenancy(context.directory, incoming.parameters.tenant)
  const client = findClient(context.directory, query.get('client_id'), tenancy)
  const redirectUri = query.get('redirect_uri') ?? client.redirectUris[0]
  if (!redirectUri || !isRegistered(client, redirectUri))
    throw new AadstsError(50011, { redirectUri, clientId: client.id })
  const text = query.get('scope')
  if (!text) throw new AadstsError(900144, { name: 'scope' })
  const scopes = parseScopes(text)
  const [unknown] = scopes.unknown
  if (unknown)
    throw new AadstsError(unknown.kind === 'resource' ? 500011 : 70011, {
      value: unknown.value,
      tenantName: 'Directory',
    })
  const back = (values) => ({
    location: callback(redirectUri, { admin_consent: 'True', ...values, state: query.get('state') }),
  })
  const flow = openFlow(context, {
    brand: 'microsoft',
    client,
    tenancy,
    prompt: 'login',
    consent: () => consentPage(context, flow, scopes),
    decline: (error) => {
      const { error: word, error_description: description } = errorBody(error, { origin: context.origin() })
      return back({ error: word, error_description: description })
    },
    finish: () => {
      const { tenantId } = flow.account
      context.grants.consent(tenantId, client.id, consentKeys(scopes))
      return back({ tenant: tenantId, scope: text })
    },
  })
  begin(context, flow, incoming, response)
}

/** @returns {import('./interaction').Need} */
function consentPage(context, flow, scopes) {
  const { account, client } = flow
  if (!account.admin)
    return { kind: 'admin', error: new AadstsError(90094, { error: 'access_denied', clientName: client.name }) }
  const organization = context.directory.tenant(account.tenantId)?.name ?? account.tenantId
  return { kind: 'ask', words: describe(scopes), organization }
}

function callback(redirectUri, values) {
  const url = new URL(redirectUri)
  for (const [name, value] of Object.entries(values)) if (value !== null) url.searchParams.set(name, value)
  return url.href
}

module.exports = { adminConsent }
