'use strict'

const { CONSUMERS_TENANT } = require('../directory/defaults')
const { AADSTS_CODES } = require('./aadsts')
const { issueGoogleToken } = require('./google/token')
const { MAIL_SCOPE } = require('./google/scopes')
const { consentKey, consentKeys, parseScopes } = require('./scopes')

const MAIL_SCOPES = ['https://outlook.office.com/IMAP.AccessAsUser.All', 'https://outlook.office.com/SMTP.Send']

/**
 * What a test sees of the OAuth server: `world.oauth`.
 *
 * @param {{ context: import('./server').Context, origin: string, port: number }} server
 */
function createOAuthFace({ context, origin, port }) {
  const { directory, grants, keys, settings } = context
  const existing = (user) => directory.setAccount(user, {})

  return {
    origin,
    port,
    issuer: `${origin}/{tenantid}/v2.0`,
    endpoints: microsoftEndpoints(origin, 'common'),
    endpointsFor: (tenant) => microsoftEndpoints(origin, tenant, issuerTenant(directory, tenant)),
    aadstsCodes: AADSTS_CODES,
    get publicKeyPem() {
      return keys.current.publicKeyPem
    },
    get kid() {
      return keys.current.kid
    },
    get tokenLifetimeSeconds() {
      return settings.tokenLifetimeSeconds
    },
    set tokenLifetimeSeconds(seconds) {
      settings.tokenLifetimeSeconds = seconds
    },
    get rotation() {
      return settings.rotation
    },
    set rotation(rotation) {
      settings.rotation = rotation
    },
    get deviceIntervalSeconds() {
      return settings.deviceIntervalSeconds
    },
    set deviceIntervalSeconds(seconds) {
      settings.deviceIntervalSeconds = seconds
    },
    get deviceLifetimeSeconds() {
      return settings.deviceLifetimeSeconds
    },
    set deviceLifetimeSeconds(seconds) {
      settings.deviceLifetimeSeconds = seconds
    },
    requests: context.requests,
    failNext: (fault) => context.faults.failNext(fault),
    clearFaults: () => context.faults.clear(),
    addAccount: (account) => directory.addAccount(account),
    addClient: (client) => void directory.addClient(client),
    setAccount: (user, changes) => directory.setAccount(user, changes),
    setClient: (id, changes) => directory.setClient(id, changes),
    setTenant: (name, changes) => directory.setTenant(name, changes),
    revokeSessions: (user) => {
      const account = existing(user)
      context.sessions.clear()
      return grants.revoke((record) => record.user === account.user)
    },
    ageGrants: (user, { days = 0, seconds = 0 }) => grants.age(existing(user).user, (days * 86_400 + seconds) * 1000),
    consent: (user, clientId, scopes) => {
      const account = existing(user)
      grants.consent(
        account.user,
        clientId,
        account.provider === 'google' ? scopes : consentKeys(parseScopes(scopes.join(' '))),
      )
    },
    withdrawConsent: (user, clientId) => grants.withdrawConsent(existing(user).user, clientId),
    rotateKeys: (options) => keys.rotate(options),
    issueToken: (user, options) => issueToken(context, existing(user), options),
    issueTokens: (user, options) => issueTokens(context, existing(user), options),
  }
}

/** An issuer names the tenant by its id, whatever the path says. */
function issuerTenant(directory, tenant) {
  return tenant === 'consumers' ? CONSUMERS_TENANT : directory.tenant(tenant.toLowerCase())?.id
}

function microsoftEndpoints(origin, tenant, issuer = '{tenantid}') {
  const base = `${origin}/${tenant}`
  return {
    authorizationEndpoint: `${base}/oauth2/v2.0/authorize`,
    tokenEndpoint: `${base}/oauth2/v2.0/token`,
    deviceAuthorizationEndpoint: `${base}/oauth2/v2.0/devicecode`,
    jwksUri: `${base}/discovery/v2.0/keys`,
    issuer: `${origin}/${issuer}/v2.0`,
    profileEndpoint: `${origin}/v1.0/me`,
  }
}

function googleEndpoints(origin) {
  return {
    authorizationEndpoint: `${origin}/o/oauth2/v2/auth`,
    tokenEndpoint: `${origin}/token`,
    deviceAuthorizationEndpoint: `${origin}/device/code`,
    revocationEndpoint: `${origin}/revoke`,
    jwksUri: `${origin}/oauth2/v3/certs`,
    issuer: origin,
    profileEndpoint: `${origin}/userinfo`,
  }
}

/**
 * An access token without any page or request; `scopes` need no consent.
 *
 * @param {import('./server').Context} context
 * @param {any} account
 * @param {import('../index').IssueOptions} [options]
 */
async function issueToken(context, account, { scopes, expiresIn, clientId, audience } = {}) {
  const lifetime = expiresIn ?? context.settings.tokenLifetimeSeconds
  const client = clientOf(context, account, clientId)
  if (account.provider === 'google') {
    return issueGoogleToken(context, {
      user: account.user,
      scopes: scopes ?? [MAIL_SCOPE],
      lifetime,
      clientId: client.id,
    })
  }
  const set = parseScopes((scopes ?? MAIL_SCOPES).join(' '))
  const [[resource, names] = ['graph', []]] = set.resources
  return context.mint.userToken({ account, client, resource, scopes: names, lifetime, audience })
}

/** A whole token set, with a refresh token that lives, as if the person had linked the mailbox. */
async function issueTokens(context, account, options = {}) {
  const client = clientOf(context, account, options.clientId)
  const google = account.provider === 'google'
  const scopes = options.scopes ?? (google ? [MAIL_SCOPE] : MAIL_SCOPES)
  const set = google ? null : parseScopes([...scopes, 'openid', 'profile', 'email', 'offline_access'].join(' '))
  const consents = set ? [...consentKeys(set), consentKey('graph', 'User.Read')] : scopes
  context.grants.consent(account.user, client.id, consents)
  const { token: refreshToken } = context.grants.issueRefreshToken({
    user: account.user,
    clientId: client.id,
    provider: account.provider,
    scopes: set,
    googleScopes: google ? scopes : undefined,
    offline: true,
    mfa: account.mfa,
  })
  const lifetime = options.expiresIn ?? context.settings.tokenLifetimeSeconds
  return {
    accessToken: await issueToken(context, account, options),
    refreshToken,
    idToken: google ? null : await context.mint.idToken({ account, client, lifetime }),
    tokenType: 'Bearer',
    scopes,
    expiresAt: new Date(Date.now() + lifetime * 1000).toISOString(),
    obtainedAt: new Date().toISOString(),
  }
}

function clientOf({ directory }, account, clientId) {
  const found = clientId
    ? directory.clients.get(clientId)
    : [...directory.clients.values()].find(({ provider }) => provider === account.provider)
  if (!found) throw new TypeError(`There is no client ${clientId ?? `for ${account.provider}`} in this world`)
  return found
}

module.exports = { createOAuthFace, microsoftEndpoints, googleEndpoints }
