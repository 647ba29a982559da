import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, header, success } from './app'

let world: MailWorld
let app: App
let token: string

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
  app = new App(world)
})
afterAll(() => world.stop())
beforeEach(async () => {
  token = (await app.link()).refresh_token
})
afterEach(() => world.oauth.clearFaults())

describe('failNext', () => {
  it('gives every error of the table its shape', async () => {
    expect(world.oauth.aadstsCodes.length).toBeGreaterThan(70)
    for (const code of world.oauth.aadstsCodes) {
      world.oauth.failNext({ aadsts: code })
      aadsts(await app.refresh(token), code)
    }
    success(await app.refresh(token))
  })

  it('gives unknown numbers a body of the right shape', async () => {
    world.oauth.failNext({ aadsts: 999999, error: 'surprise', suberror: 'odd', claims: '{"x":1}', status: 418 })
    const reply = await app.refresh(token)
    expect(aadsts(reply, 999999)).toMatchObject({ error: 'surprise', suberror: 'odd', claims: '{"x":1}' })
    expect(reply.status).toBe(418)
  })

  it('throttles', async () => {
    world.oauth.failNext({ status: 429, retryAfter: 7, times: 2 })
    for (let round = 0; round < 2; round += 1) {
      const reply = await app.refresh(token)
      expect([reply.status, reply.headers['retry-after']]).toEqual([429, '7'])
      aadsts(reply, 90055)
    }
    success(await app.refresh(token))
  })

  it('sends whatever is asked for', async () => {
    world.oauth.failNext({ status: 200, body: '<html>', headers: { 'content-type': 'text/html' } })
    expect((await app.refresh(token)).text).toBe('<html>')
    world.oauth.failNext({ status: 302, headers: { location: 'https://evil.example/' }, body: '' })
    expect((await app.refresh(token)).headers.location).toBe('https://evil.example/')
    world.oauth.failNext({ body: { error: 'invalid_grant' } })
    expect(await app.refresh(token)).toMatchObject({ status: 400, text: '{"error":"invalid_grant"}' })
  })

  it('cuts connections and delays answers', async () => {
    world.oauth.failNext({ destroy: true })
    await expect(app.refresh(token)).rejects.toThrow(/hang up|ECONNRESET/)
    world.oauth.failNext({ delayMs: 60_000 })
    const signal = AbortSignal.timeout(50)
    await expect(world.request(app.endpoints.tokenEndpoint, { form: {}, signal })).rejects.toThrow(/abort/i)
  })

  it('meets only whom it is meant for', async () => {
    world.oauth.failNext({ aadsts: 50033, grantType: 'client_credentials' })
    world.oauth.failNext({ status: 503, endpoint: 'jwks' })
    success(await app.refresh(token))
    expect((await world.request(app.endpoints.jwksUri)).status).toBe(503)
  })

  it('reaches the app through the redirect URI', async () => {
    world.oauth.failNext({ endpoint: 'authorize', aadsts: 90094 })
    const callback = await app.signIn()
    expect(callback.get('error')).toBe('consent_required')
    expect(callback.get('error_description')).toMatch(/^AADSTS90094/)
    expect(callback.get('state')).toBe('the-state')
  })
})

describe('keys', () => {
  it('rotate', async () => {
    const before = world.oauth.kid
    const after = await world.oauth.rotateKeys()
    const kids = async () =>
      ((await world.request(app.endpoints.jwksUri)).json() as { keys: { kid: string }[] }).keys.map(({ kid }) => kid)
    expect(await kids()).toEqual([after, before])
    expect(header(success(await app.refresh(token)).access_token).kid).toBe(after)
    await world.oauth.rotateKeys({ forget: true })
    expect(await kids()).toEqual([world.oauth.kid])
  })
})

describe('pages', () => {
  it('need no script and load nothing from elsewhere', async () => {
    const page = await world.request(app.url({ prompt: 'login', login_hint: '"><script>alert(1)</script>' }))
    expect(page.headers['content-security-policy']).toContain("default-src 'none'")
    expect(page.text).not.toMatch(/<script|<img|<link|src=|@import/i)
    expect(page.text).toContain('name="username"')
    expect(page.text).toContain('name="password"')
  })
})

describe('Graph /me', () => {
  const get = (query: string, accessToken: string) =>
    world.request(`${world.oauth.endpoints.profileEndpoint}${query}`, {
      headers: { authorization: `Bearer ${accessToken}` },
    })

  it('says who signed in, and more when asked for it by name', async () => {
    const graph = success(await app.refresh(token, { scope: 'User.Read' }))
    const [account] = world.accounts
    const plain = (await get('', graph.access_token)).json()
    expect(plain).toMatchObject({
      id: account.oid,
      displayName: account.name,
      mail: account.user,
      userPrincipalName: account.user,
    })
    expect(plain).not.toHaveProperty('proxyAddresses')
    const selected = await get('?$select=id,proxyAddresses', graph.access_token)
    expect(selected.json()).toMatchObject({
      proxyAddresses: [`SMTP:${account.user}`, ...account.aliases.map((alias) => `smtp:${alias}`)],
    })
  })

  it('wants a living token of Graph with User.Read', async () => {
    const { user } = world.accounts[0]
    expect((await get('', 'made-up')).status).toBe(401)
    expect((await get('', await world.issueToken(user))).status).toBe(401)
    expect((await get('', await world.issueToken(user, { scopes: ['User.Read'], expiresIn: -5 }))).status).toBe(401)
    expect((await get('', await world.issueToken(user, { scopes: ['Mail.Read'] }))).status).toBe(403)
    expect((await get('', await world.issueToken(user, { scopes: ['User.Read'] }))).status).toBe(200)
  })
})
