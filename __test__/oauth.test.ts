import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient, microsoft, OAuthClient } from '../index'
import type { OAuthProvider, PendingAuthorization, TokenSet } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { failing } from './failing'

describe('linking a mailbox', () => {
  let world: MailWorld
  let provider: OAuthProvider
  let client: OAuthClient

  beforeAll(async () => {
    world = await startMailWorld({ seed: 5 })
    provider = providerOf(world.client.secret)
    client = new OAuthClient(provider, { ca: world.ca })
  })
  afterAll(() => world?.stop())

  function providerOf(clientSecret: string): OAuthProvider {
    return microsoft({ ...world.microsoft, clientSecret })
  }

  function begin(): PendingAuthorization {
    return client.authorizationUrl({ redirectUri: world.client.redirectUri })
  }

  async function link(): Promise<TokenSet> {
    const pending = begin()
    return (await client.redeem(await world.signIn(pending.url, world.accounts[0]), pending)).tokens
  }

  test('PKCE S256, state and nonce are always in the URL, and the pending part is plain JSON', () => {
    const pending = begin()
    const query = new URL(pending.url).searchParams
    expect(query.get('code_challenge_method')).toBe('S256')
    expect(query.get('state')).toBe(pending.state)
    expect(query.get('nonce')).toBe(pending.nonce)
    expect(query.get('response_type')).toBe('code')
    expect(query.get('prompt')).toBeNull()
    expect(query.get('scope')).toContain('IMAP.AccessAsUser.All')
    expect(query.get('scope')).toContain('offline_access')
    expect(JSON.parse(JSON.stringify(pending))).toEqual(pending)
    expect(begin().state).not.toBe(pending.state)
  })

  test('the identity is tid:oid, and the tokens open the mailbox', async () => {
    const pending = begin()
    const callback = await world.signIn(pending.url, world.accounts[0])
    const { tokens, identity } = await client.redeem(callback, JSON.parse(JSON.stringify(pending)))
    expect(identity).toMatchObject({ email: world.accounts[0].user, tenantId: expect.any(String) })
    expect(identity?.key).toBe(`${identity?.tenantId}:${world.accounts[0].oid}`)
    expect(tokens).toMatchObject({ tokenType: 'Bearer', refreshToken: expect.any(String), idToken: expect.any(String) })
    expect(new Date(tokens.expiresAt).getTime()).toBeGreaterThan(Date.now())

    const auth = { user: identity!.email!, accessToken: client.tokenSource({ tokens }) }
    const imap = await ImapClient.connect({ ...provider.imap!, ca: world.ca, auth })
    expect(await imap.status('INBOX')).toMatchObject({ uidValidity: expect.any(Number) })
    await imap.logout()
  })

  test('a callback of another authorization, of another place, or with a tampered state is refused', async () => {
    const pending = begin()
    const callback = await world.signIn(pending.url, world.accounts[0])
    const tampered = new URL(callback)
    tampered.searchParams.set('state', 'x')
    for (const url of [
      tampered.href,
      callback.replace('/', '/'),
      'https://evil.example/callback?code=1&state=' + pending.state,
    ]) {
      if (url === callback) continue
      expect(await failing(client.redeem(url, pending))).toMatchObject({
        code: 'AUTHORIZATION_MISMATCH',
        category: 'auth',
      })
    }
    expect(await failing(client.redeem(callback, begin()))).toMatchObject({ code: 'AUTHORIZATION_MISMATCH' })
    expect(await failing(client.redeem('not a url', pending))).toMatchObject({
      category: expect.stringMatching(/argument|auth/),
    })
  })

  test('a code is good once', async () => {
    const pending = begin()
    const callback = await world.signIn(pending.url, world.accounts[0])
    await client.redeem(callback, pending)
    const error = await failing(client.redeem(callback, pending))
    expect(error).toMatchObject({
      code: 'INVALID_GRANT',
      action: 'reauthorize',
      protocol: 'oauth',
      server: { code: 'invalid_grant' },
    })
    expect(error.server?.details).toMatchObject({ errorCodes: [54005] })
  })

  test('a wrong secret is the app owner’s to fix', async () => {
    const wrong = new OAuthClient(providerOf('not-the-secret'), { ca: world.ca })
    const pending = wrong.authorizationUrl({ redirectUri: world.client.redirectUri })
    const error = await failing(wrong.redeem(await world.signIn(pending.url, world.accounts[0]), pending))
    expect(error).toMatchObject({ code: 'CLIENT_REJECTED', action: 'fix-config', category: 'auth' })
    expect(error.server?.details).toMatchObject({ errorCodes: [7000215] })
    expect(JSON.stringify(error) + error.stack).not.toContain('not-the-secret')
  })

  test('refresh rotates, and a made-up refresh token must be linked again', async () => {
    const tokens = await link()
    const next = await client.refresh(tokens.refreshToken!)
    expect(next.accessToken).not.toBe(tokens.accessToken)
    expect(next.refreshToken).not.toBe(tokens.refreshToken)
    expect(await failing(client.refresh('made-up'))).toMatchObject({ code: 'INVALID_GRANT', action: 'reauthorize' })
  })

  test('refresh for another resource', async () => {
    const tokens = await link()
    const graph = await client.refresh(tokens.refreshToken!, { scopes: ['https://graph.microsoft.com/User.Read'] })
    expect(graph.scopes.join(' ')).toContain('User.Read')
  })

  test('100 calls at once make one refresh; save runs before anyone gets the token', async () => {
    const tokens = { ...(await link()), expiresAt: new Date(Date.now() - 1000).toISOString() }
    const saved: string[] = []
    const source = client.tokenSource({
      tokens,
      save: async (next, previous) => {
        expect(previous.accessToken).toBe(tokens.accessToken)
        await new Promise((resolve) => setTimeout(resolve, 20))
        saved.push(next.accessToken)
      },
    })
    const given = await Promise.all(Array.from({ length: 100 }, () => source.accessToken()))
    expect(new Set(given).size).toBe(1)
    expect(saved).toEqual([given[0]])
    expect(source.current().accessToken).toBe(given[0])
  })

  test('a save that fails gives nobody the token', async () => {
    const tokens = { ...(await link()), expiresAt: new Date(Date.now() - 1000).toISOString() }
    const source = client.tokenSource({
      tokens,
      save: async () => {
        throw new Error('database down')
      },
    })
    const error = await failing(source.accessToken())
    expect(error.message).not.toContain('database down')
    expect(source.current().accessToken).toBe(tokens.accessToken)
  })

  test('load is asked before invalid_grant is believed', async () => {
    const live = await link()
    const dead = { ...(await link()), refreshToken: 'made-up', expiresAt: new Date(Date.now() - 1000).toISOString() }
    const source = client.tokenSource({ tokens: dead, load: async () => live })
    expect(await source.accessToken()).toBe(live.accessToken)
  })

  test('an unknown CA at the token endpoint', async () => {
    const stranger = new OAuthClient(provider)
    expect(await failing(stranger.refresh('x'))).toMatchObject({
      code: 'CERTIFICATE_UNTRUSTED',
      category: 'tls',
      protocol: 'oauth',
    })
  })

  test('endpoints must be https', () => {
    const endpoints = { ...world.oauth.endpoints, tokenEndpoint: 'http://localhost/token' }
    expect(() => microsoft({ clientId: 'a', clientSecret: 'b', endpoints })).toThrow(
      expect.objectContaining({ category: 'argument' }),
    )
  })
})
