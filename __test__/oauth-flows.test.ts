import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { discoverProvider, google, ImapClient, microsoft, OAuthClient, SmtpClient } from '../index'
import type { OAuthProvider } from '../index'
import { createClientCertificate, startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { failing } from './failing'

const USER_READ = 'https://graph.microsoft.com/User.Read'

let world: MailWorld
let robin: string

beforeAll(async () => {
  world = await startMailWorld({ seed: 3, imap: { personality: 'exchange' }, oauth: { deviceIntervalSeconds: 1 } })
  robin = world.accounts[0].user
})
afterAll(() => world?.stop())
afterEach(() => {
  world.oauth.clearFaults()
  world.oauth.deviceIntervalSeconds = 1
  world.oauth.deviceLifetimeSeconds = 900
  world.oauth.setAccount(robin, { mfa: false, aadsts: null })
  world.oauth.setClient(world.client.id, { secret: world.client.secret, certificates: [], aadsts: null })
  world.oauth.setClient(world.google.clientId, { testing: false })
  world.oauth.requests.length = 0
})

function clientOf(changes: Record<string, unknown> = {}, tenant?: string): OAuthClient {
  const endpoints = { ...world.oauth.endpoints, ...(tenant && world.oauth.endpointsFor(tenant)) }
  return new OAuthClient(microsoft({ ...world.microsoft, endpoints, tenant, ...changes }), { ca: world.ca })
}

function gmail(): { provider: OAuthProvider; client: OAuthClient } {
  const { clientId, clientSecret, endpoints } = world.google
  const provider = google({ clientId, clientSecret, endpoints })
  return { provider, client: new OAuthClient(provider, { ca: world.ca }) }
}

async function link(client: OAuthClient, account: string = robin, options = {}) {
  const pending = client.authorizationUrl({ redirectUri: world.client.redirectUri, ...options })
  return client.redeem(await world.signIn(pending.url, account), pending)
}

function asked(endpoint: string) {
  return world.oauth.requests.filter((request) => request.endpoint === endpoint)
}

describe('device code', () => {
  test('pending, approved, good for the mailbox', async () => {
    const client = clientOf()
    const device = await client.startDeviceAuthorization()
    expect(device).toMatchObject({ userCode: expect.any(String), verificationUriComplete: null, intervalMs: 1000 })
    expect(JSON.parse(JSON.stringify(device))).toEqual(device)
    const polling = client.pollDeviceAuthorization(device)
    await world.approveDevice(device.verificationUri, device.userCode)
    const { tokens, identity } = await polling
    expect(identity?.email).toBe(robin)
    const auth = { user: robin, accessToken: client.tokenSource({ tokens }) }
    const imap = await ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth })
    expect((await imap.status('INBOX')).messages).toBeGreaterThan(0)
    await imap.logout()
  })

  test('a short deadline tells when to ask again', async () => {
    const client = clientOf()
    const device = await client.startDeviceAuthorization()
    const error = await failing(client.pollDeviceAuthorization(device, { timeoutMs: 900 }))
    expect(error).toMatchObject({ code: 'AUTHORIZATION_PENDING', action: 'retry', retryable: true })
    expect(error.retryAfterMs).toBe(1000)
    expect(error.server).toMatchObject({ code: 'authorization_pending', details: { errorCodes: [70016] } })
  })

  test('slow_down adds five seconds', async () => {
    const client = clientOf()
    const device = await client.startDeviceAuthorization()
    await failing(client.pollDeviceAuthorization(device, { timeoutMs: 900 }))
    const error = await failing(client.pollDeviceAuthorization(device, { timeoutMs: 900 }))
    expect(error).toMatchObject({ code: 'AUTHORIZATION_PENDING', retryAfterMs: 6000, server: { code: 'slow_down' } })
  })

  test('declined', async () => {
    const client = clientOf()
    const device = await client.startDeviceAuthorization()
    await world.approveDevice(device.verificationUri, device.userCode, robin, { decline: true })
    const error = await failing(client.pollDeviceAuthorization(device))
    expect(error).toMatchObject({ code: 'AUTHORIZATION_DENIED', action: 'reauthorize', retryable: false })
  })

  test('expired, by this clock and by the server’s', async () => {
    const client = clientOf()
    world.oauth.deviceLifetimeSeconds = 1
    const device = await client.startDeviceAuthorization()
    expect(await failing(client.pollDeviceAuthorization(device))).toMatchObject({
      code: 'DEVICE_CODE_EXPIRED',
      action: 'reauthorize',
    })
    const late = { ...device, expiresAt: new Date(Date.now() + 60_000).toISOString() }
    const error = await failing(client.pollDeviceAuthorization(late))
    expect(error).toMatchObject({ code: 'DEVICE_CODE_EXPIRED', server: { code: 'expired_token' } })
  })

  test('Google’s is not for mail, and says so', async () => {
    const error = await failing(gmail().client.startDeviceAuthorization())
    expect(error).toMatchObject({ code: 'INVALID_SCOPE', server: { code: 'invalid_scope' } })
  })

  test('an abort ends the polling', async () => {
    const client = clientOf()
    const device = await client.startDeviceAuthorization()
    const abort = new AbortController()
    const polling = failing(client.pollDeviceAuthorization(device, { signal: abort.signal }))
    setTimeout(() => abort.abort(), 50)
    expect(await polling).toMatchObject({ code: 'ABORTED' })
  })
})

describe('the app itself', () => {
  const shared = 'support@contoso.example'

  test('by secret: opens the mailboxes that it was given, and no other', async () => {
    const client = clientOf({}, 'contoso.example')
    const { accessToken, refreshToken, scopes } = await client.clientCredentials()
    expect(refreshToken).toBeNull()
    expect(scopes).toEqual(['https://outlook.office365.com/.default'])
    const imap = await ImapClient.connect({
      ...client.provider.imap!,
      ca: world.ca,
      auth: { user: shared, accessToken },
    })
    await imap.status('INBOX')
    await imap.logout()
    const foreign = { ...client.provider.imap!, ca: world.ca, auth: { user: robin, accessToken } }
    expect(await failing(ImapClient.connect(foreign))).toMatchObject({ code: 'MAILBOX_UNAVAILABLE' })
    const smtp = { ...client.provider.smtp!, ca: world.ca, auth: { user: shared, accessToken } }
    await (await SmtpClient.connect(smtp)).close()
  })

  test('by certificate: a PS256 assertion with x5t#S256 that the server checks', async () => {
    const [clientCertificate, other] = [await createClientCertificate(), await createClientCertificate()]
    world.oauth.setClient(world.client.id, { certificates: [clientCertificate.certificate] })
    const client = clientOf({ clientSecret: undefined, clientCertificate }, 'contoso.example')
    expect((await client.clientCredentials()).accessToken).not.toBe('')
    const { parameters } = asked('token')[0]
    const [header, claims] = parameters.client_assertion
      .split('.')
      .slice(0, 2)
      .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
    expect(header).toMatchObject({ alg: 'PS256', typ: 'JWT', 'x5t#S256': expect.any(String) })
    expect(claims).toMatchObject({ iss: world.client.id, sub: world.client.id, aud: client.provider.tokenEndpoint })
    expect(claims.exp - claims.nbf).toBeLessThanOrEqual(600)
    expect(parameters).not.toHaveProperty('client_secret')
    // The user's flows prove themselves by it as well.
    expect((await link(client)).identity?.email).toBe(robin)

    const wrong = clientOf({ clientSecret: undefined, clientCertificate: other }, 'contoso.example')
    const error = await failing(wrong.clientCredentials())
    expect(error).toMatchObject({ code: 'CLIENT_REJECTED', action: 'fix-config' })
    expect(error.server?.details).toMatchObject({ errorCodes: [700027] })
  })

  test('an app has to name its tenant', async () => {
    for (const tenant of ['common', 'consumers']) {
      const error = await failing(clientOf({}, tenant).clientCredentials())
      expect(error).toMatchObject({ code: 'OAUTH_CONFIG', action: 'fix-config' })
      expect(error.server?.details).toMatchObject({ errorCodes: [9001023] })
    }
  })

  test('what cannot work is refused before a byte is sent', async () => {
    expect(await failing(gmail().client.clientCredentials())).toMatchObject({ code: 'CAPABILITY_MISSING' })
    expect(world.oauth.requests).toEqual([])
  })
})

describe('profile', () => {
  test('Graph’s, by a token of its own: name, addresses, aliases, and the rotated grant', async () => {
    const client = clientOf()
    const { tokens } = await link(client)
    const { profile, tokens: next } = await client.profile(tokens.refreshToken!)
    expect(profile).toEqual({
      id: world.accounts[0].oid,
      displayName: 'Robin Sample',
      mail: robin,
      userPrincipalName: robin,
      aliases: ['sales@contoso.example', 'robin@contoso.example'],
    })
    expect(asked('me')[0].parameters.$select).toContain('proxyAddresses')
    expect(next.scopes.join(' ')).toContain('User.Read')
    expect(next.refreshToken).not.toBe(tokens.refreshToken)
    expect((await client.refresh(next.refreshToken!)).scopes.join(' ')).toContain('IMAP.AccessAsUser.All')
  })

  test('an account without a mailbox has no mail', async () => {
    world.oauth.setAccount(robin, { mailbox: false })
    try {
      const client = clientOf()
      const { tokens } = await link(client)
      expect((await client.profile(tokens.refreshToken!)).profile).toMatchObject({ mail: null, aliases: [] })
    } finally {
      world.oauth.setAccount(robin, { mailbox: true })
    }
  })

  test('where aliases cannot be selected it is asked without', async () => {
    const client = clientOf()
    const { tokens } = await link(client)
    world.oauth.failNext({ endpoint: 'me', status: 400, body: { error: { code: 'BadRequest', message: 'no' } } })
    expect((await client.profile(tokens.refreshToken!)).profile).toMatchObject({ mail: robin, aliases: [] })
  })

  test('userinfo at Google', async () => {
    const { client } = gmail()
    const { tokens, identity } = await link(client, world.google.account.user)
    const { profile } = await client.profile(tokens.refreshToken!)
    expect(profile).toMatchObject({ id: identity?.subject, mail: world.google.account.user, aliases: [] })
  })
})

describe('refresh, revoke, discover', () => {
  test('one grant, two resources, each token for its own', async () => {
    const client = clientOf()
    const { tokens } = await link(client)
    const graph = await client.refresh(tokens.refreshToken!, { scopes: [USER_READ] })
    const login = { ...client.provider.imap!, ca: world.ca, auth: { user: robin, accessToken: graph.accessToken } }
    expect(await failing(ImapClient.connect(login))).toMatchObject({ code: 'TOKEN_REFUSED', action: 'reauthorize' })
    const mail = await client.refresh(graph.refreshToken!)
    const imap = await ImapClient.connect({ ...login, auth: { user: robin, accessToken: mail.accessToken } })
    await imap.logout()
    const both = ['https://outlook.office.com/SMTP.Send', USER_READ]
    const error = await failing(client.refresh(mail.refreshToken!, { scopes: both }))
    expect(error).toMatchObject({ code: 'INVALID_SCOPE', action: 'fix-config' })
    expect(error.server?.details).toMatchObject({ errorCodes: [28000] })
  })

  test('a shared mailbox opens with the person’s token', async () => {
    const client = clientOf()
    const accessToken = client.tokenSource({ tokens: (await link(client)).tokens })
    const auth = { user: 'support@contoso.example', accessToken }
    await (await ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth })).logout()
    const strange = { user: 'kim.muster@contoso.example', accessToken }
    const error = await failing(ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth: strange }))
    expect(error).toMatchObject({ code: 'MAILBOX_UNAVAILABLE', category: 'permission' })
  })

  test('revoked at Google: the grant is dead, and Microsoft has no such endpoint', async () => {
    const { client } = gmail()
    const { tokens } = await link(client, world.google.account.user)
    await client.revoke(tokens.refreshToken!)
    expect(await failing(client.refresh(tokens.refreshToken!))).toMatchObject({
      code: 'INVALID_GRANT',
      action: 'reauthorize',
    })
    expect(await failing(clientOf().revoke('token'))).toMatchObject({ code: 'CAPABILITY_MISSING' })
  })

  test('discovered providers: found, linked; a wrong issuer is the settings’ fault', async () => {
    const { clientId, clientSecret, account } = world.google
    const options = { clientId, clientSecret, scopes: ['openid', 'email', 'https://mail.google.com/'], ca: world.ca }
    const provider = await discoverProvider({ ...options, issuer: world.oauth.origin })
    expect(provider).toMatchObject({ issuer: world.oauth.origin, imap: null, smtp: null })
    const { identity } = await link(new OAuthClient(provider, { ca: world.ca }), account.user)
    expect(identity?.key).toBe(`${world.oauth.origin}#${identity?.subject}`)
    for (const issuer of [`${world.oauth.origin}/nowhere`, `${world.oauth.origin}/common/v2.0`]) {
      const error = await failing(discoverProvider({ ...options, issuer }))
      expect(error, issuer).toMatchObject({ code: 'OAUTH_CONFIG', action: 'fix-config', retryable: false })
      expect(error.message).toContain(issuer)
    }
    const page = { status: 200, body: '<h1>Sign in to the network</h1>', headers: { 'content-type': 'text/html' } }
    const moved = { status: 301, body: '', headers: { location: 'https://evil.example/' } }
    for (const [answer, met] of [
      [page, 'HTTP 200, but a document of type text/html'],
      [moved, 'HTTP 301, but redirects are not followed'],
    ] as const) {
      world.oauth.failNext({ endpoint: 'metadata', ...answer })
      const error = await failing(discoverProvider({ ...options, issuer: world.oauth.origin }))
      expect(error).toMatchObject({ code: 'UNEXPECTED_RESPONSE', category: 'protocol', action: 'retry' })
      expect(error.message).toContain(met)
      expect(error.message).toContain(world.oauth.origin)
    }
    world.oauth.failNext({ endpoint: 'metadata', status: 503, body: 'busy' })
    expect(await failing(discoverProvider({ ...options, issuer: world.oauth.origin }))).toMatchObject({
      code: 'SERVER_UNAVAILABLE',
      retryable: true,
    })
  })

  test('keys are fetched once, and once more when they have rotated', async () => {
    const client = clientOf()
    await link(client)
    await link(client)
    expect(asked('jwks')).toHaveLength(1)
    await world.oauth.rotateKeys()
    await link(client)
    await link(client)
    expect(asked('jwks')).toHaveLength(2)
  })
})

describe('refusals, by who has to act', () => {
  test('the callback: declined, admin consent, Conditional Access, with their numbers', async () => {
    const client = clientOf()
    const declining = client.authorizationUrl({ redirectUri: world.client.redirectUri })
    world.oauth.withdrawConsent(robin, world.client.id)
    const declined = await world.signIn(declining.url, robin, { decline: true })
    expect(await failing(client.redeem(declined, declining))).toMatchObject({
      code: 'AUTHORIZATION_DENIED',
      action: 'reauthorize',
      server: { code: 'access_denied', details: { errorCodes: [65004] } },
    })
    for (const [aadsts, error, code, action] of [
      [65001, 'consent_required', 'INTERACTION_REQUIRED', 'reauthorize'],
      [90094, 'access_denied', 'ADMIN_CONSENT_REQUIRED', 'ask-admin'],
      [53003, 'access_denied', 'BLOCKED_BY_POLICY', 'ask-admin'],
      [50105, 'interaction_required', 'BLOCKED_BY_POLICY', 'ask-admin'],
    ] as const) {
      world.oauth.failNext({ endpoint: 'authorize', aadsts, error })
      const pending = client.authorizationUrl({ redirectUri: world.client.redirectUri })
      const refused = await failing(client.redeem(await world.signIn(pending.url, robin), pending))
      expect(refused, String(aadsts)).toMatchObject({ code, action, server: { code: error } })
      expect(refused.server?.details).toMatchObject({ errorCodes: [aadsts] })
    }
  })

  test('a tenant where only administrators consent, and the page that helps', async () => {
    const sam = 'sam.placeholder@fabrikam.example'
    const client = clientOf({}, 'fabrikam.example')
    expect(await failing(link(client, sam))).toMatchObject({ code: 'ADMIN_CONSENT_REQUIRED', action: 'ask-admin' })
    const url = client.adminConsentUrl({ redirectUri: world.client.redirectUri, state: 's' })
    const back = new URL(await world.signIn(url, 'admin@fabrikam.example'))
    expect(back.searchParams.get('admin_consent')?.toLowerCase()).toBe('true')
    expect((await link(client, sam)).identity?.email).toBe(sam)
  })

  test('Conditional Access hands its claims on, for the next authorization', async () => {
    const client = clientOf()
    const { tokens } = await link(client)
    world.oauth.setAccount(robin, { mfa: true })
    const error = await failing(client.refresh(tokens.refreshToken!))
    expect(error).toMatchObject({ code: 'INTERACTION_REQUIRED', action: 'reauthorize' })
    expect(error.server?.details).toMatchObject({
      errorCodes: [50076],
      claims: expect.stringContaining('access_token'),
      traceId: expect.any(String),
      correlationId: expect.any(String),
    })
    const extra = { claims: String(error.server?.details?.claims) }
    expect((await link(client, robin, { extra })).tokens.refreshToken).not.toBeNull()
  })

  test('429 with Retry-After: waited for by a source, told by a call', async () => {
    const client = clientOf()
    const { tokens } = await link(client)
    world.oauth.failNext({ status: 429, retryAfter: 7, times: 2 })
    expect(await failing(client.refresh(tokens.refreshToken!))).toMatchObject({
      code: 'RATE_LIMITED',
      action: 'retry',
      retryable: true,
      retryAfterMs: 7000,
      server: { status: '429' },
    })
    const expired = { ...tokens, expiresAt: new Date(Date.now() - 1000).toISOString() }
    const source = client.tokenSource({ tokens: expired })
    const before = asked('token').length
    for (let call = 0; call < 20; call++) {
      const error = await failing(source.accessToken())
      expect(error).toMatchObject({ code: 'RATE_LIMITED', retryable: true })
      expect(error.retryAfterMs).toBeGreaterThan(4000)
    }
    expect(asked('token').length).toBe(before + 1)
  })

  test('a second’s Retry-After: waited out once by every call, by all callers of a source together, and abortable', async () => {
    const client = clientOf()
    const pending = client.authorizationUrl({ redirectUri: world.client.redirectUri })
    const callback = await world.signIn(pending.url, robin)
    const busy = (retryAfter = 1, times = 1) => world.oauth.failNext({ status: 429, retryAfter, times })
    busy()
    const { tokens } = await client.redeem(callback, pending)
    world.oauth.failNext({ status: 503, retryAfter: 1 })
    const next = await client.refresh(tokens.refreshToken!)
    expect(asked('token')).toHaveLength(4)

    const limited = { code: 'RATE_LIMITED', action: 'retry' }
    busy(2)
    const hurried = await failing(client.refresh(next.refreshToken!, { timeoutMs: 1900 }))
    expect(hurried).toMatchObject({ ...limited, retryAfterMs: 2000 })
    busy(1, 2)
    expect(await failing(client.refresh(next.refreshToken!))).toMatchObject({ ...limited, retryAfterMs: 1000 })
    busy(2)
    const aborted = failing(client.refresh(next.refreshToken!, { signal: AbortSignal.timeout(300) }))
    // Who had waited would have been given tokens.
    expect(await aborted).toMatchObject({ code: 'ABORTED' })

    const source = client.tokenSource({ tokens: { ...next, expiresAt: new Date(Date.now() - 1000).toISOString() } })
    const before = asked('token').length
    busy()
    const given = await Promise.all(Array.from({ length: 20 }, () => source.accessToken()))
    expect(new Set(given).size).toBe(1)
    expect(asked('token')).toHaveLength(before + 2)
  })

  test.each([
    [50173, 'INVALID_GRANT', 'reauthorize'],
    [700082, 'INVALID_GRANT', 'reauthorize'],
    [50057, 'BLOCKED_BY_POLICY', 'ask-admin'],
    [530035, 'BLOCKED_BY_POLICY', 'ask-admin'],
    [7000222, 'CLIENT_REJECTED', 'fix-config'],
    [50196, 'OAUTH_CONFIG', 'fix-config'],
    [90033, 'SERVER_UNAVAILABLE', 'retry'],
  ])('AADSTS%i at a refresh is %s', async (aadsts, code, action) => {
    world.oauth.failNext({ aadsts })
    const error = await failing(clientOf().refresh('token'))
    expect(error).toMatchObject({ code, action, retryable: action === 'retry' })
    expect(error.message).toContain(`AADSTS${aadsts}`)
  })
})

describe('Google', () => {
  test('a refresh token comes with the first consent; answers to refreshes have none, and it is kept', async () => {
    const { client } = gmail()
    const { user } = world.google.account
    world.oauth.withdrawConsent(user, world.google.clientId)
    const pending = client.authorizationUrl({ redirectUri: world.google.redirectUri })
    const query = new URL(pending.url).searchParams
    expect([query.get('access_type'), query.get('prompt')]).toEqual(['offline', 'consent'])
    const { tokens } = await client.redeem(await world.signIn(pending.url, user), pending)
    const next = await client.refresh(tokens.refreshToken!)
    expect(next.refreshToken).toBe(tokens.refreshToken)
    // Somebody who holds one already asks without the page, and gets none.
    const held = await link(client, user, { prompt: 'select_account' })
    expect(held.tokens.refreshToken).toBeNull()
  })

  test('an app in Testing: dead after seven days, with the page that publishes it', async () => {
    const { client } = gmail()
    const { user } = world.google.account
    world.oauth.setClient(world.google.clientId, { testing: true })
    const { tokens } = await link(client, user)
    world.oauth.ageGrants(user, { days: 8 })
    const error = await failing(client.refresh(tokens.refreshToken!))
    expect(error).toMatchObject({ code: 'INVALID_GRANT', action: 'reauthorize' })
    expect(error.message).toContain('Google Auth Platform > Audience')
  })
})

test('what the provider said comes through a function of the caller’s', async () => {
  const client = clientOf()
  const { tokens } = await link(client)
  world.oauth.failNext({ aadsts: 50173 })
  const auth = { user: robin, accessToken: async () => (await client.refresh(tokens.refreshToken!)).accessToken }
  const error = await failing(ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth }))
  expect(error).toMatchObject({ code: 'INVALID_GRANT', action: 'reauthorize', protocol: 'oauth' })
  expect(error.server).toMatchObject({ code: 'invalid_grant', details: { errorCodes: [50173] } })
})
