import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, claims, EVERYTHING, MAIL, OIDC, success } from './app'

const SAM = 'sam.placeholder@fabrikam.example'
const NOA = 'noa.nobody@personal.example'

let world: MailWorld

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
})
afterAll(() => world.stop())
afterEach(() => world.oauth.setClient(world.client.id, { audience: 'common' }))

describe('tenants', () => {
  it('are addressed by id, domain or one of three words', async () => {
    const { tenantId } = world.accounts[0]
    for (const path of ['common', 'organizations', 'contoso.example', tenantId]) {
      const app = new App(world, path)
      expect(claims((await app.link()).id_token).tid).toBe(tenantId)
    }
    const personal = claims((await new App(world, 'consumers').link(NOA)).id_token)
    expect(personal.tid).toBe('9188040d-6c67-4c5b-b112-36a304b66dad')
    expect(personal.iss).toBe(`${world.oauth.origin}/${personal.tid}/v2.0`)
  })

  it('have issuers by their id, whatever the path says', () => {
    const { origin, endpointsFor } = world.oauth
    const { tenantId } = world.accounts[0]
    expect(endpointsFor('common').issuer).toBe(`${origin}/{tenantid}/v2.0`)
    expect(endpointsFor('organizations').issuer).toBe(`${origin}/{tenantid}/v2.0`)
    for (const tenant of ['contoso.example', tenantId]) {
      expect(endpointsFor(tenant).issuer).toBe(`${origin}/${tenantId}/v2.0`)
    }
    expect(endpointsFor('consumers').issuer).toBe(`${origin}/9188040d-6c67-4c5b-b112-36a304b66dad/v2.0`)
  })

  it('that do not exist are named', async () => {
    const app = new App(world, 'nowhere.example')
    expect(aadsts(await app.redeem('x'), 90002).error).toBe('invalid_request')
    await expect(app.signIn()).rejects.toThrow(/AADSTS90002/)
    aadsts(await world.request(app.endpoints.jwksUri), 90002)
  })

  it('let nobody else in', async () => {
    await expect(new App(world, 'fabrikam.example').signIn()).rejects.toThrow(/AADSTS50020/)
    await expect(new App(world, 'organizations').signIn({}, NOA)).rejects.toThrow(/AADSTS50020/)
    await expect(new App(world, 'consumers').signIn()).rejects.toThrow(/AADSTS50020/)
    const code = await new App(world).code()
    aadsts(await new App(world, 'fabrikam.example').redeem(code), 700005)
  })

  it('keep single-tenant apps to themselves', async () => {
    world.oauth.setClient(world.client.id, { audience: 'contoso.example' })
    await expect(new App(world).signIn()).rejects.toThrow(/AADSTS50194/)
    await expect(new App(world, 'consumers').signIn()).rejects.toThrow(/AADSTS9002332/)
    await expect(new App(world, 'fabrikam.example').signIn()).rejects.toThrow(/AADSTS700016/)
    await new App(world, 'contoso.example').link()
  })

  it('publish metadata whose issuer is a template under common', async () => {
    const get = async (tenant: string) => {
      const reply = await world.request(`${world.oauth.origin}/${tenant}/v2.0/.well-known/openid-configuration`)
      return reply.json() as { issuer: string; token_endpoint: string; jwks_uri: string }
    }
    expect((await get('common')).issuer).toBe(world.oauth.issuer)
    const own = await get('contoso.example')
    expect(own.issuer).toBe(`${world.oauth.origin}/${world.accounts[0].tenantId}/v2.0`)
    expect((await world.request(own.jwks_uri)).status).toBe(200)
  })

  it('may leave consent to their admins', async () => {
    const app = new App(world)
    const needed = await app.signIn({}, SAM)
    expect(needed.get('error')).toBe('access_denied')
    expect(needed.get('error_description')).toMatch(/^AADSTS90094/)

    const { id, redirectUri } = world.client
    const parameters = new URLSearchParams({ client_id: id, scope: EVERYTHING, redirect_uri: redirectUri, state: 's1' })
    const adminConsent = `${world.oauth.origin}/fabrikam.example/v2.0/adminconsent?${parameters}`
    const refused = new URL(await world.signIn(adminConsent, SAM)).searchParams
    expect(refused.get('error_description')).toMatch(/^AADSTS90094/)
    const declined = new URL(await world.signIn(adminConsent, 'admin@fabrikam.example', { decline: true })).searchParams
    expect(declined.get('error_description')).toMatch(/^AADSTS65004/)
    const granted = new URL(await world.signIn(adminConsent, 'admin@fabrikam.example')).searchParams
    expect(Object.fromEntries(granted)).toMatchObject({ admin_consent: 'True', state: 's1' })
    expect(granted.get('tenant')).toMatch(/^[0-9a-f-]{36}$/)

    success(await app.redeem(await app.code(SAM, { scope: `${OIDC} ${MAIL}` })))
    // Forcing the consent page sends users round in circles even now.
    expect((await app.signIn({ prompt: 'consent' }, SAM)).get('error_description')).toMatch(/^AADSTS90094/)
  })
})
