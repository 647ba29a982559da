import { createHash, randomBytes } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { claims } from './app'

const SCOPE = 'openid email profile https://mail.google.com/'

type Form = Record<string, string | undefined>
type Json = Record<string, any> // eslint-disable-line @typescript-eslint/no-explicit-any

let world: MailWorld
const verifier = randomBytes(32).toString('base64url')

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
})
afterAll(() => world.stop())
beforeEach(() => {
  world.oauth.withdrawConsent(world.google.account.user, world.google.clientId)
  world.oauth.setClient(world.google.clientId, { testing: false })
})

async function signIn(overrides: Form = {}, options = {}): Promise<URLSearchParams> {
  const { clientId, endpoints, redirectUri, account } = world.google
  const url = new URL(endpoints.authorizationEndpoint)
  const parameters: Form = {
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: SCOPE,
    access_type: 'offline',
    state: 's',
    nonce: 'n',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...overrides,
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== undefined) url.searchParams.set(name, value)
  return new URL(await world.signIn(url.href, account, options)).searchParams
}

function token(form: Form) {
  const { clientId, clientSecret, endpoints } = world.google
  return world.request(endpoints.tokenEndpoint, {
    form: { client_id: clientId, client_secret: clientSecret, ...form },
  })
}

async function redeem(overrides: Form = {}, authorize: Form = {}) {
  const code = (await signIn(authorize)).get('code') as string
  const { redirectUri } = world.google
  const form = { grant_type: 'authorization_code', code, redirect_uri: redirectUri, code_verifier: verifier }
  return token({ ...form, ...overrides })
}

const refresh = (refreshToken: string) => token({ grant_type: 'refresh_token', refresh_token: refreshToken })

describe('Google', () => {
  it('gives a refresh token at the first consent, and when consent is asked for again', async () => {
    const first = (await redeem()).json() as Json
    expect(first).toMatchObject({ token_type: 'Bearer', expires_in: 3600 })
    expect(first.access_token).toMatch(/^ya29\./)
    expect(first.refresh_token).toMatch(/^1\/\//)
    expect(await redeem().then((reply) => reply.json())).not.toHaveProperty('refresh_token')
    expect(await redeem({}, { prompt: 'consent' }).then((reply) => reply.json())).toHaveProperty('refresh_token')
    const online = { prompt: 'consent', access_type: 'online' }
    expect(await redeem({}, online).then((reply) => reply.json())).not.toHaveProperty('refresh_token')
  })

  it('proves who signed in', async () => {
    const callback = await signIn()
    expect(callback.get('iss')).toBe(world.google.endpoints.issuer)
    const { id_token: idToken, access_token: accessToken } = (await redeem()).json() as Json
    const { account, clientId, endpoints } = world.google
    expect(claims(idToken)).toMatchObject({
      iss: endpoints.issuer,
      aud: clientId,
      azp: clientId,
      nonce: 'n',
      email: account.user,
      email_verified: true,
      name: account.name,
    })
    const headers = { authorization: `Bearer ${accessToken}` }
    const info = await world.request(endpoints.profileEndpoint, { headers })
    expect(info.json()).toMatchObject({ sub: claims(idToken).sub, email: account.user })
    expect((await world.request(endpoints.profileEndpoint)).status).toBe(401)
  })

  it('answers a refresh without a refresh token', async () => {
    const { refresh_token: refreshToken } = (await redeem()).json() as Json
    const next = await refresh(refreshToken)
    expect(next.status).toBe(200)
    expect(next.json()).not.toHaveProperty('refresh_token')
    expect((await refresh(refreshToken)).status).toBe(200)
  })

  it('refuses what it never issued, what was used, and what is wrong', async () => {
    expect((await refresh('1//0made-up')).json()).toMatchObject({ error: 'invalid_grant' })
    expect((await redeem({ code: '4/made-up' })).json()).toMatchObject({ error: 'invalid_grant' })
    expect((await redeem({ code_verifier: undefined })).json()).toMatchObject({ error: 'invalid_grant' })
    expect((await redeem({ client_secret: 'wrong' })).json()).toMatchObject({ error: 'invalid_client' })
    expect((await redeem({ redirect_uri: 'https://evil.example/' })).json()).toMatchObject({
      error: 'redirect_uri_mismatch',
    })
    const code = (await signIn()).get('code') as string
    const form = {
      grant_type: 'authorization_code',
      code,
      redirect_uri: world.google.redirectUri,
      code_verifier: verifier,
    }
    expect((await token(form)).status).toBe(200)
    expect((await token(form)).json()).toMatchObject({ error: 'invalid_grant' })
    await expect(signIn({ redirect_uri: 'https://evil.example/' })).rejects.toThrow(/not registered/)
    await expect(signIn({ client_id: 'nobody' })).rejects.toThrow(/not found/)
    expect((await signIn({ prompt: 'consent' }, { decline: true })).get('error')).toBe('access_denied')
  })

  it('lets refresh tokens of apps in testing die after seven days', async () => {
    world.oauth.setClient(world.google.clientId, { testing: true })
    const { refresh_token: refreshToken } = (await redeem()).json() as Json
    expect((await refresh(refreshToken)).status).toBe(200)
    world.oauth.ageGrants(world.google.account.user, { days: 5 })
    expect((await refresh(refreshToken)).status).toBe(200)
    world.oauth.ageGrants(world.google.account.user, { days: 3 })
    expect((await refresh(refreshToken)).json()).toEqual({
      error: 'invalid_grant',
      error_description: 'Token has been expired or revoked.',
    })
  })

  it('revokes a whole grant by either token', async () => {
    const tokens = (await redeem()).json() as Json
    const { revocationEndpoint, profileEndpoint } = world.google.endpoints
    expect((await world.request(revocationEndpoint, { form: { token: tokens.access_token } })).status).toBe(200)
    expect((await refresh(tokens.refresh_token)).status).toBe(400)
    const headers = { authorization: `Bearer ${tokens.access_token}` }
    expect((await world.request(profileEndpoint, { headers })).status).toBe(401)
    expect((await world.request(revocationEndpoint, { form: { token: 'made-up' } })).json()).toMatchObject({
      error: 'invalid_token',
    })
  })

  it('is discoverable', async () => {
    const { issuer, tokenEndpoint } = world.google.endpoints
    const reply = await world.request(`${issuer}/.well-known/openid-configuration`)
    expect(reply.json()).toMatchObject({ issuer, token_endpoint: tokenEndpoint })
  })

  it('takes the app by HTTP Basic, too', async () => {
    const { clientId, clientSecret, endpoints } = world.google
    const basic = (secret: string) => `Basic ${Buffer.from(`${clientId}:${secret}`).toString('base64')}`
    const form = { grant_type: 'refresh_token', refresh_token: 'made-up' }
    const ask = async (secret: string) => {
      const reply = await world.request(endpoints.tokenEndpoint, { form, headers: { authorization: basic(secret) } })
      return reply.json() as Json
    }
    expect((await ask(clientSecret)).error).toBe('invalid_grant')
    expect((await ask('wrong')).error).toBe('invalid_client')
  })

  it('has no device codes for mail', async () => {
    const { clientId, endpoints } = world.google
    const ask = async (scope: string, client_id = clientId) =>
      (await world.request(endpoints.deviceAuthorizationEndpoint, { form: { client_id, scope } })).json() as Json
    expect(await ask('openid https://mail.google.com/')).toMatchObject({ error: 'invalid_scope' })
    expect(await ask('openid email')).toMatchObject({ error: 'unauthorized_client' })
    expect(await ask('openid', 'unknown')).toMatchObject({ error: 'invalid_client' })
  })
})
