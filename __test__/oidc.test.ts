import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { discoverProvider, ImapClient, OAuthClient } from '../index'
import type { OAuthProvider, PendingAuthorization, TokenSet } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { failing } from './failing'
import { startDovecot } from './servers/dovecot.mjs'
import { MAIL_SCOPE, startOidcProvider } from './servers/oidc.mjs'
import { whyNoDovecot } from './servers/real.mjs'

const USER = 'ada@contoso.example'
const SCOPES = ['openid', 'profile', 'email', 'offline_access', MAIL_SCOPE]

let world: MailWorld
let op: Awaited<ReturnType<typeof startOidcProvider>>
let provider: OAuthProvider
let client: OAuthClient

beforeAll(async () => {
  world = await startMailWorld({ seed: 0 })
  op = await startOidcProvider({ tls: world.tls, ca: world.ca, user: USER })
  provider = await discover(op.client.secret)
  client = new OAuthClient(provider, { ca: world.ca })
})
afterAll(async () => {
  await op?.stop()
  await world?.stop()
})

function discover(clientSecret: string, issuer = op.issuer): Promise<OAuthProvider> {
  return discoverProvider({ issuer, clientId: op.client.id, clientSecret, scopes: SCOPES, ca: world.ca })
}

async function signedIn(by = client): Promise<{ callback: string; pending: PendingAuthorization }> {
  const pending = by.authorizationUrl({ redirectUri: op.client.redirectUri })
  return { callback: await op.signIn(pending.url), pending }
}

async function link(): Promise<TokenSet & { refreshToken: string }> {
  const { callback, pending } = await signedIn()
  const { tokens } = await client.redeem(callback, pending)
  return { ...tokens, refreshToken: tokens.refreshToken! }
}

/** Header and payload of a JWT, unchecked. */
function decode(jwt: string): Record<string, unknown>[] {
  return jwt
    .split('.')
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, 'base64url').toString()))
}

describe('a certified OpenID provider', () => {
  test('is discovered by its issuer', async () => {
    expect(provider).toMatchObject({
      issuer: op.issuer,
      authorizationEndpoint: `${op.issuer}/auth`,
      tokenEndpoint: `${op.issuer}/token`,
      revocationEndpoint: `${op.issuer}/token/revocation`,
      jwksUri: `${op.issuer}/jwks`,
      deviceAuthorizationEndpoint: null,
      scopes: SCOPES,
    })
  })

  test('an issuer by another name is not the one that answers', async () => {
    const other = op.issuer.replace('localhost', '127.0.0.1')
    const error = await failing(discover(op.client.secret, other))
    expect(error).toMatchObject({
      code: 'OAUTH_CONFIG',
      action: 'fix-config',
      protocol: 'oauth',
      server: { status: '200' },
    })
    expect(error.message).toContain('issuer')
  })

  test('links an account: code, PKCE, state, nonce, and an id_token that proves who it is', async () => {
    const { callback, pending } = await signedIn()
    expect(new URL(callback).searchParams.get('state')).toBe(pending.state)
    const { tokens, identity } = await client.redeem(callback, JSON.parse(JSON.stringify(pending)))
    expect(identity).toEqual({
      key: `${op.issuer}#${op.account.sub}`,
      issuer: op.issuer,
      subject: op.account.sub,
      tenantId: null,
      email: USER,
      emailVerified: true,
      name: 'Ada Example',
    })
    expect(tokens).toMatchObject({ tokenType: 'Bearer', refreshToken: expect.any(String) })
    expect(tokens.scopes).toContain(MAIL_SCOPE)
    expect(new Date(tokens.expiresAt).getTime()).toBeGreaterThan(Date.now() + 3_000_000)
    expect(decode(tokens.idToken!)[1]).toMatchObject({ nonce: pending.nonce, aud: op.client.id })
    const [header, claims] = decode(tokens.accessToken)
    expect(header).toMatchObject({ alg: 'RS256', typ: 'JWT', kid: op.kid })
    expect(claims).toMatchObject({ iss: op.issuer, preferred_username: USER, scope: MAIL_SCOPE })
  })

  test('another state, nonce or verifier is refused, each by whoever has to notice', async () => {
    const state = await signedIn()
    expect(await failing(client.redeem(state.callback, { ...state.pending, state: 'x' }))).toMatchObject({
      code: 'AUTHORIZATION_MISMATCH',
      server: null,
    })
    const nonce = await signedIn()
    expect(await failing(client.redeem(nonce.callback, { ...nonce.pending, nonce: 'x' }))).toMatchObject({
      code: 'ID_TOKEN_INVALID',
    })
    const verifier = await signedIn()
    const codeVerifier = 'x'.repeat(43)
    expect(await failing(client.redeem(verifier.callback, { ...verifier.pending, codeVerifier }))).toMatchObject({
      code: 'INVALID_GRANT',
      server: { code: 'invalid_grant' },
    })
  })

  test('a made-up code is refused, and a code is good once', async () => {
    const { callback, pending } = await signedIn()
    const madeUp = new URL(callback)
    madeUp.searchParams.set('code', 'made-up')
    const refused = { code: 'INVALID_GRANT', action: 'reauthorize', server: { code: 'invalid_grant' } }
    expect(await failing(client.redeem(madeUp.href, pending))).toMatchObject(refused)
    await client.redeem(callback, pending)
    expect(await failing(client.redeem(callback, pending))).toMatchObject(refused)
  })

  test('a wrong secret is the app owner’s to fix', async () => {
    const wrong = new OAuthClient(await discover('not-the-secret'), { ca: world.ca })
    const { callback, pending } = await signedIn(wrong)
    const error = await failing(wrong.redeem(callback, pending))
    expect(error).toMatchObject({
      code: 'CLIENT_REJECTED',
      action: 'fix-config',
      category: 'auth',
      server: { code: 'invalid_client' },
    })
    expect(JSON.stringify(error) + error.stack).not.toContain('not-the-secret')
  })

  test('refresh rotates; a used refresh token is refused, and its reuse ends the whole grant', async () => {
    const first = await link()
    const next = await client.refresh(first.refreshToken)
    expect(next.accessToken).not.toBe(first.accessToken)
    expect(next.refreshToken).toEqual(expect.any(String))
    expect(next.refreshToken).not.toBe(first.refreshToken)
    const last = await client.refresh(next.refreshToken!)
    const refused = { code: 'INVALID_GRANT', action: 'reauthorize', retryable: false }
    expect(await failing(client.refresh(first.refreshToken))).toMatchObject(refused)
    expect(await failing(client.refresh(last.refreshToken!))).toMatchObject(refused)
  })

  test('a token source refreshes once for all who ask, so rotation never bites', async () => {
    const tokens = { ...(await link()), expiresAt: new Date(Date.now() - 1000).toISOString() }
    const saved: TokenSet[] = []
    const source = client.tokenSource({ tokens, save: async (next) => void saved.push(next) })
    const given = await Promise.all(Array.from({ length: 20 }, () => source.accessToken()))
    expect(new Set(given)).toEqual(new Set([saved[0].accessToken]))
    expect(saved).toHaveLength(1)
    expect((await client.refresh(saved[0].refreshToken!)).accessToken).not.toBe(given[0])
  })

  test('a revoked refresh token is dead', async () => {
    const { refreshToken } = await link()
    await client.revoke(refreshToken)
    expect(await failing(client.refresh(refreshToken))).toMatchObject({ code: 'INVALID_GRANT', action: 'reauthorize' })
  })
})

const why = whyNoDovecot()
const atDovecot = why === null ? describe : describe.skip

atDovecot(`its tokens at Dovecot${why === null ? '' : ` (${why})`}`, () => {
  let dir: string
  let dovecot: Awaited<ReturnType<typeof startDovecot>>

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'email-native-oidc-'))
    // Dovecot's own users have to get in.
    chmodSync(dir, 0o755)
    dovecot = await startDovecot({ dir: join(dir, 'dovecot'), certificate: world.tls, users: [], tokens: op })
  })
  afterAll(async () => {
    await dovecot?.stop()
    rmSync(dir, { recursive: true, force: true })
  })

  function connect(user: string, accessToken: ReturnType<OAuthClient['tokenSource']> | string): Promise<ImapClient> {
    const auth = { user, accessToken }
    return ImapClient.connect({ host: 'localhost', port: dovecot.imaps, tls: 'implicit', ca: world.ca, auth })
  }

  test('the access token opens the mailbox, and so does the one after a refresh', async () => {
    const tokens = await link()
    const fresh = await connect(USER, client.tokenSource({ tokens }))
    expect(await fresh.status('INBOX')).toMatchObject({ messages: 0 })
    await fresh.logout()

    const source = client.tokenSource({ tokens: { ...tokens, expiresAt: new Date(Date.now() - 1000).toISOString() } })
    const refreshed = await connect(USER, source)
    expect(source.current().accessToken).not.toBe(tokens.accessToken)
    expect(await refreshed.status('INBOX')).toMatchObject({ messages: 0 })
    await refreshed.logout()
  })

  test('a token with a forged signature, or for another user, opens nothing', async () => {
    const { accessToken } = await link()
    const [header, payload, signature] = accessToken.split('.')
    const forged = [header, payload, Buffer.from(signature, 'base64url').reverse().toString('base64url')].join('.')
    expect(await failing(connect(USER, forged))).toMatchObject({ category: 'auth', protocol: 'imap' })
    expect(await failing(connect('ben@contoso.example', accessToken))).toMatchObject({ category: 'auth' })
  })
})
