import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, claims, MAIL, OIDC, success } from './app'

let world: MailWorld
let app: App
let user: string

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
  user = world.accounts[0].user
})
afterAll(() => world.stop())
beforeEach(() => {
  app = new App(world)
})
afterEach(() => {
  world.oauth.rotation = 'microsoft'
  world.oauth.setAccount(user, { aadsts: null, mfa: false })
})

describe('refresh token', () => {
  it('is answered with a new one, and lives on', async () => {
    const first = await app.link()
    const second = success(await app.refresh(first.refresh_token))
    expect(second.refresh_token).not.toBe(first.refresh_token)
    expect(second.scope).toBe(MAIL.split(' ').join(' '))
    success(await app.refresh(first.refresh_token))
    success(await app.refresh(second.refresh_token))
  })

  it('dies by use with rotation "revoke", its successor lives', async () => {
    world.oauth.rotation = 'revoke'
    const first = await app.link()
    const second = success(await app.refresh(first.refresh_token))
    expect(aadsts(await app.refresh(first.refresh_token), 70000).suberror).toBe('bad_token')
    success(await app.refresh(second.refresh_token))
  })

  it('takes its family with it with rotation "revoke-family"', async () => {
    world.oauth.rotation = 'revoke-family'
    const first = await app.link()
    const second = success(await app.refresh(first.refresh_token))
    aadsts(await app.refresh(first.refresh_token), 70000)
    aadsts(await app.refresh(second.refresh_token), 50173)
  })

  it('is won by one of many that race for it', async () => {
    world.oauth.rotation = 'revoke'
    const { refresh_token: token } = await app.link()
    const replies = await Promise.all(Array.from({ length: 10 }, () => app.refresh(token)))
    expect(replies.filter(({ status }) => status === 200)).toHaveLength(1)
  })

  it('serves every resource that was consented, one at a time', async () => {
    const { refresh_token: token } = await app.link()
    const graph = success(await app.refresh(token, { scope: 'User.Read' }))
    expect(claims(graph.access_token).aud).toBe('https://graph.microsoft.com')
    expect(graph.scope.split(' ')).toContain('https://graph.microsoft.com/User.Read')
    const mail = success(await app.refresh(graph.refresh_token, { scope: MAIL }))
    expect(claims(mail.access_token).aud).toBe('https://outlook.office.com')
    aadsts(await app.refresh(token, { scope: `${MAIL} User.Read` }), 28000)
    aadsts(await app.refresh(token, { scope: 'https://vault.example/x' }), 500011)
    aadsts(await app.refresh(token, { scope: 'https://outlook.office.com/Nonsense' }), 70011)
  })

  it('gives nothing that nobody consented to', async () => {
    const { refresh_token: token } = await app.link()
    const refusal = aadsts(await app.refresh(token, { scope: 'https://graph.microsoft.com/Mail.ReadWrite' }), 65001)
    expect(refusal).toMatchObject({ error: 'invalid_grant', suberror: 'consent_required' })
    world.oauth.withdrawConsent(user, world.client.id)
    aadsts(await app.refresh(token, { scope: MAIL }), 65001)
  })

  it('is refused when made up, of another app, or missing', async () => {
    aadsts(await app.refresh('1.AmadeUp'), 70000)
    aadsts(await app.refresh('', {}), 900144)
    const { refresh_token: token } = await app.link()
    world.oauth.addClient({ id: 'c0dec11e-a7e5-4000-8000-00000c0de098', secret: 's' })
    aadsts(await app.refresh(token, { client_id: 'c0dec11e-a7e5-4000-8000-00000c0de098', client_secret: 's' }), 70000)
    aadsts(await new App(world, 'fabrikam.example').refresh(token), 50020)
  })

  it('dies after 90 days, each successor on its own', async () => {
    const first = await app.link()
    world.oauth.ageGrants(user, { days: 80 })
    const second = success(await app.refresh(first.refresh_token))
    world.oauth.ageGrants(user, { days: 11 })
    expect(aadsts(await app.refresh(first.refresh_token), 700082).error).toBe('invalid_grant')
    success(await app.refresh(second.refresh_token))
  })

  it('dies when the sessions are revoked', async () => {
    const { refresh_token: token } = await app.link()
    expect(world.oauth.revokeSessions(user)).toBeGreaterThan(0)
    expect(aadsts(await app.refresh(token), 50173).suberror).toBe('bad_token')
    success(await app.refresh((await app.link()).refresh_token))
  })

  it('wants a second factor, until the person has given it', async () => {
    const { refresh_token: token } = await app.link()
    world.oauth.setAccount(user, { mfa: true })
    const refusal = aadsts(await app.refresh(token), 50076)
    expect(refusal).toMatchObject({ error: 'invalid_grant', suberror: 'basic_action' })
    expect(JSON.parse(refusal.claims)).toHaveProperty('access_token.capolids')
    success(await app.refresh((await app.link()).refresh_token))
  })

  it('is stopped by Conditional Access', async () => {
    const { refresh_token: token } = await app.link()
    world.oauth.setAccount(user, { aadsts: 53003 })
    expect(aadsts(await app.refresh(token), 53003).claims).toContain('access_token')
    await expect(app.signIn()).rejects.toThrow(/AADSTS53003/)
  })

  it('gives access tokens of the life that was set', async () => {
    const { refresh_token: token } = await app.link()
    world.oauth.tokenLifetimeSeconds = 7
    const tokens = success(await app.refresh(token, { scope: `${OIDC} ${MAIL}` }))
    world.oauth.tokenLifetimeSeconds = 3600
    const { exp, iat } = claims(tokens.access_token)
    expect([tokens.expires_in, exp - iat]).toEqual([7, 7])
  })

  it('can be had without any page', async () => {
    const tokens = await world.issueTokens('kim.muster@contoso.example')
    expect(Date.parse(tokens.expiresAt)).toBeGreaterThan(Date.now())
    const next = success(await app.refresh(tokens.refreshToken))
    expect(claims(next.access_token).upn).toBe('kim.muster@contoso.example')
    success(await app.refresh(tokens.refreshToken, { scope: 'User.Read' }))
  })
})
