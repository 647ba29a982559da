import { createPublicKey, verify } from 'node:crypto'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, claims, header, MAIL, OIDC, PROFILE, success } from './app'

const OTHER = { id: 'c0dec11e-a7e5-4000-8000-00000c0de099', secret: 'another-secret' }

let world: MailWorld
let app: App

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
  world.oauth.addClient(OTHER)
})
afterAll(() => world.stop())
beforeEach(() => {
  app = new App(world)
})

describe('authorization code', () => {
  it('gives a JWT for Outlook, an id_token and a refresh token', async () => {
    const callback = await app.signIn()
    expect(callback.get('state')).toBe('the-state')
    const tokens = success(await app.redeem(callback.get('code') as string))
    const [account] = world.accounts
    expect(tokens.scope).toBe(MAIL)
    expect(tokens.refresh_token.length).toBeGreaterThan(500)
    expect(tokens.access_token.length).toBeGreaterThan(1500)
    expect(tokens.access_token.length).toBeLessThan(3000)
    expect(header(tokens.access_token)).toEqual({ typ: 'JWT', alg: 'RS256', kid: world.oauth.kid })
    expect(claims(tokens.access_token)).toMatchObject({
      aud: 'https://outlook.office.com',
      scp: 'IMAP.AccessAsUser.All SMTP.Send',
      preferred_username: account.user,
      tid: account.tenantId,
      oid: account.oid,
    })
    expect(claims(tokens.id_token)).toMatchObject({
      aud: world.client.id,
      iss: `${world.oauth.origin}/${account.tenantId}/v2.0`,
      nonce: 'the-nonce',
      tid: account.tenantId,
      oid: account.oid,
      name: account.name,
      email: account.user,
      preferred_username: account.user,
    })
    const { exp, iat } = claims(tokens.id_token)
    expect(exp - iat).toBe(tokens.expires_in)
  })

  it('signs with the key that it publishes', async () => {
    const { access_token: token } = await app.link()
    const { keys } = (await world.request(app.endpoints.jwksUri)).json() as { keys: { kid: string }[] }
    const [head, body, signature] = token.split('.')
    const signed = Buffer.from(`${head}.${body}`)
    const jwk = keys.find(({ kid }) => kid === header(token).kid)
    for (const key of [createPublicKey({ key: jwk as object, format: 'jwk' }), world.oauth.publicKeyPem]) {
      expect(verify('sha256', signed, key, Buffer.from(signature, 'base64url'))).toBe(true)
    }
  })

  it('redeems a code once', async () => {
    const code = await app.code()
    success(await app.redeem(code))
    expect(aadsts(await app.redeem(code), 54005).error).toBe('invalid_grant')
  })

  it('lets one of two simultaneous redemptions win', async () => {
    const code = await app.code()
    const replies = await Promise.all([app.redeem(code), app.redeem(code)])
    expect(replies.map(({ status }) => status).sort()).toEqual([200, 400])
  })

  it('refuses codes it never issued, or issued to another app', async () => {
    aadsts(await app.redeem('1.AmadeUp'), 70000)
    const code = await app.code()
    aadsts(await app.redeem(code, { client_id: OTHER.id, client_secret: OTHER.secret }), 70000)
    success(await app.redeem(code))
  })

  it('lets a code die after ten minutes', async () => {
    const code = await app.code()
    world.oauth.ageGrants(world.accounts[0].user, { seconds: 601 })
    aadsts(await app.redeem(code), 70008)
  })

  it('checks the redirect URI at both ends', async () => {
    await expect(app.signIn({ redirect_uri: 'https://evil.example/' })).rejects.toThrow(/AADSTS50011/)
    const code = await app.code()
    aadsts(await app.redeem(code, { redirect_uri: 'https://evil.example/' }), 50011)
    aadsts(await app.redeem(code, { redirect_uri: 'http://localhost/callback' }), 500112)
    success(await app.redeem(code))
  })

  it('leaves the port of a loopback redirect URI free, and nothing else', async () => {
    const redirect = 'http://localhost:54321/callback'
    success(await app.redeem(await app.code(undefined, { redirect_uri: redirect }), { redirect_uri: redirect }))
    await expect(app.signIn({ redirect_uri: 'http://localhost:54321/other' })).rejects.toThrow(/AADSTS50011/)
  })

  it('checks PKCE: wrong, missing, and stripped from the request', async () => {
    const code = await app.code()
    aadsts(await app.redeem(code, { code_verifier: 'x'.repeat(43) }), 501481)
    aadsts(await app.redeem(code, { code_verifier: undefined }), 501481)
    success(await app.redeem(code))
    const bare = await app.code(undefined, { code_challenge: undefined, code_challenge_method: undefined })
    aadsts(await app.redeem(bare), 501481)
    success(await app.redeem(bare, { code_verifier: undefined }))
  })

  it('redeems for one resource only', async () => {
    const code = await app.code()
    expect(aadsts(await app.redeem(code, { scope: `${OIDC} ${MAIL} ${PROFILE}` }), 28000).error).toBe('invalid_request')
    aadsts(await app.redeem(code, { scope: undefined }), 28003)
    success(await app.redeem(code))
  })

  it('takes bare names for Graph', async () => {
    const code = await app.code(undefined, { scope: `${OIDC} IMAP.AccessAsUser.All` })
    const tokens = success(await app.redeem(code, { scope: 'IMAP.AccessAsUser.All' }))
    expect(claims(tokens.access_token).aud).toBe('https://graph.microsoft.com')
    aadsts(await app.redeem(await app.code(), { scope: `${MAIL} User.Read` }), 28000)
  })

  it('knows its scopes and resources', async () => {
    const wrong = { scope: 'openid https://outlook.office.com/IMAP.Everything' }
    expect((await app.signIn(wrong)).get('error_description')).toMatch(/AADSTS70011/)
    const foreign = { scope: 'openid https://vault.example/user_impersonation' }
    expect((await app.signIn(foreign)).get('error')).toBe('invalid_resource')
    expect((await app.signIn({ scope: undefined })).get('error_description')).toMatch(/AADSTS900144/)
    expect((await app.signIn({ response_type: 'token' })).get('error')).toBe('unsupported_response_type')
  })

  it('gives no refresh token without offline_access, and no id_token without openid', async () => {
    const tokens = success(await app.redeem(await app.code(undefined, { scope: MAIL }), { scope: MAIL }))
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(tokens).not.toHaveProperty('id_token')
  })

  it('tells the app when the person cancels', async () => {
    world.oauth.withdrawConsent(world.accounts[0].user, world.client.id)
    const callback = await app.signIn({}, undefined, { decline: true })
    expect(callback.get('error')).toBe('access_denied')
    expect(callback.get('error_description')).toMatch(/^AADSTS65004/)
    expect(callback.get('state')).toBe('the-state')
    expect((await app.signIn({}, undefined, { decline: 'login' })).get('error')).toBe('access_denied')
  })

  it('never shows a page for prompt=none', async () => {
    const silent = await world.request(app.url({ prompt: 'none' }))
    expect(silent.status).toBe(303)
    const callback = new URL(silent.headers.location as string).searchParams
    expect(callback.get('error')).toBe('login_required')
    expect(callback.get('error_description')).toMatch(/^AADSTS50058/)
  })

  it('refuses wrong passwords, unknown people and shared mailboxes', async () => {
    const { user } = world.accounts[0]
    await expect(world.signIn(app.url(), { user, password: 'wrong' })).rejects.toThrow(/AADSTS50126/)
    const nobody = { user: 'nobody@contoso.example', password: 'x' }
    await expect(world.signIn(app.url(), nobody)).rejects.toThrow(/AADSTS50034/)
    const shared = { user: 'support@contoso.example', password: 'x' }
    await expect(world.signIn(app.url(), shared)).rejects.toThrow(/AADSTS50126/)
    await expect(app.signIn({}, 'nobody@contoso.example')).rejects.toThrow(/no account/)
  })

  it('asks for consent once per app and permission', async () => {
    const user = 'kim.muster@contoso.example'
    world.oauth.withdrawConsent(user, world.client.id)
    const page = await world.request(app.url())
    expect(page.status).toBe(200)
    success(await app.redeem(await app.code(user, { scope: `${OIDC} ${MAIL}` })))
    const callback = await app.signIn({ scope: `${OIDC} ${MAIL}` }, user, { decline: 'consent' })
    expect(callback.get('code')).toBeTruthy()
    const more = await app.signIn({}, user, { decline: 'consent' })
    expect(more.get('error')).toBe('access_denied')
  })

  it('answers by form_post and fragment, too', async () => {
    const posted = await app.signIn({ response_mode: 'form_post' })
    expect(posted.get('code')).toBeTruthy()
    const fragment = new URL(await world.signIn(app.url({ response_mode: 'fragment' })))
    expect(fragment.search).toBe('')
    expect(new URLSearchParams(fragment.hash.slice(1)).get('state')).toBe('the-state')
  })
})
