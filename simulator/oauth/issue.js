'use strict'

const { AadstsError } = require('./aadsts')
const { RESOURCES, consentKey } = require('./scopes')

/**
 * The account behind a grant, if it may still have tokens.
 *
 * @param {import('./server').Context} context
 * @param {import('./grants-store').Grant} grant
 */
function liveAccount(context, grant) {
  const account = context.directory.account(grant.user)
  if (!account) throw new AadstsError(50034, { tenantName: 'Directory' })
  if (account.aadsts)
    throw new AadstsError(account.aadsts, { appId: RESOURCES.outlook.appId, clientId: grant.clientId })
  if (account.mfa && !grant.mfa) throw new AadstsError(50076, { appId: RESOURCES.outlook.appId })
  return account
}

/**
 * One resource per token: the one that is asked, else the one of the token before, else the only one that was authorized.
 *
 * @param {import('./scopes').ScopeSet} asked
 * @param {import('./scopes').ScopeSet} authorized
 * @param {string} [before]
 * @returns {{ resource: string, names: string[] }}
 */
function oneResource(asked, authorized, before) {
  const [unknown] = asked.unknown
  if (unknown?.kind === 'resource') throw new AadstsError(500011, { value: unknown.value, tenantName: 'Directory' })
  if (unknown) throw new AadstsError(70011, { value: unknown.value })
  if (asked.resources.size > 1) throw new AadstsError(28000, { scope: asked.text })
  if (asked.resources.size === 0 && asked.oidc.length === 0) {
    if (before) return { resource: before, names: authorized.resources.get(before) ?? [] }
    if (authorized.resources.size > 1) throw new AadstsError(28003)
    return first(authorized.resources)
  }
  return first(asked.resources)
}

function first(resources) {
  const [[resource, names] = ['graph', []]] = resources
  return { resource, names }
}

/**
 * Access token, refresh token and id_token as Entra answers them: `scp` holds everything consented for the resource, and other
 * resources than Graph do not echo the OpenID scopes.
 *
 * @param {import('./server').Context} context
 * @param {{ grant: import('./grants-store').Grant, client: any, asked: import('./scopes').ScopeSet, family?: string,
 *   nonce?: string, before?: string }} request `before`: resource of the token that is refreshed
 */
async function issueUserTokens(context, { grant, client, asked, family, nonce, before }) {
  const account = liveAccount(context, grant)
  const authorized = /** @type {import('./scopes').ScopeSet} */ (grant.scopes)
  const { resource, names } = oneResource(asked, authorized, before)
  const scopes = consentedScopes(context, { account, client, resource, names })
  const lifetime = context.settings.tokenLifetimeSeconds
  const oidc = asked.oidc.length > 0 || asked.resources.size > 0 ? asked.oidc : authorized.oidc
  const [accessToken, idToken] = await Promise.all([
    context.mint.userToken({ account, client, resource, scopes, lifetime }),
    oidc.includes('openid') ? context.mint.idToken({ account, client, nonce, lifetime }) : null,
  ])
  return {
    token_type: 'Bearer',
    scope: scopeText(resource, scopes, oidc),
    expires_in: lifetime,
    ext_expires_in: lifetime,
    access_token: accessToken,
    ...(grant.offline && { refresh_token: context.grants.issueRefreshToken(grant, { family, resource }).token }),
    ...(idToken && { id_token: idToken }),
  }
}

function consentedScopes(context, { account, client, resource, names }) {
  const consents = new Set([
    ...context.grants.consented(account.user, client.id),
    ...context.grants.consented(account.tenantId, client.id),
  ])
  const granted = Object.keys(RESOURCES[resource].scopes).filter((name) => consents.has(consentKey(resource, name)))
  const missing = names.some((name) => (name === '.default' ? granted.length === 0 : !granted.includes(name)))
  if (missing) throw new AadstsError(65001, { clientId: client.id, clientName: client.name })
  return granted
}

function scopeText(resource, scopes, oidc) {
  const full = scopes.map((name) => `${RESOURCES[resource].uris[0]}/${name}`)
  const plain = resource === 'graph' ? oidc.filter((name) => name !== 'offline_access') : []
  return [...plain, ...full].join(' ')
}

module.exports = { issueUserTokens, liveAccount }
