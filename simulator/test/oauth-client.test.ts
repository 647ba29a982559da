import { createHash, randomUUID, X509Certificate } from 'node:crypto'
import { importPKCS8, SignJWT, type JWTPayload } from 'jose'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createClientCertificate, startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, claims, success } from './app'

const SCOPE = 'https://outlook.office365.com/.default'

let world: MailWorld
let app: App

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false })
})
afterAll(() => world.stop())
beforeEach(() => {
  app = new App(world, 'contoso.example')
  world.oauth.setClient(world.client.id, { secret: world.client.secret, certificates: [], aadsts: null })
})

describe('the app itself', () => {
  const clientCredentials = (overrides = {}) => {
    const { id, secret } = world.client
    return app.token({
      grant_type: 'client_credentials',
      client_id: id,
      client_secret: secret,
      scope: SCOPE,
      ...overrides,
    })
  }

  it('gets app-only tokens with its roles', async () => {
    const tokens = success(await clientCredentials())
    expect(tokens).not.toHaveProperty('refresh_token')
    expect(claims(tokens.access_token)).toMatchObject({
      idtyp: 'app',
      roles: ['IMAP.AccessAsApp', 'SMTP.SendAsApp'],
      appid: world.client.id,
      aud: 'https://outlook.office365.com',
    })
    expect(claims(tokens.access_token)).not.toHaveProperty('scp')
  })

  it('may authenticate by HTTP Basic', async () => {
    const { id, secret } = world.client
    const authorization = `Basic ${Buffer.from(`${id}:${encodeURIComponent(secret)}`).toString('base64')}`
    const form = { grant_type: 'client_credentials', scope: SCOPE }
    success(await world.request(app.endpoints.tokenEndpoint, { form, headers: { authorization } }))
  })

  it('is told what is wrong with its id or secret', async () => {
    const wrong = await clientCredentials({ client_secret: 'wrong' })
    expect(aadsts(wrong, 7000215).error).toBe('invalid_client')
    expect(wrong.status).toBe(401)
    aadsts(await clientCredentials({ client_secret: undefined }), 7000218)
    expect(aadsts(await clientCredentials({ client_id: randomUUID() }), 700016).error).toBe('unauthorized_client')
    aadsts(await clientCredentials({ client_id: undefined }), 900144)
    world.oauth.setClient(world.client.id, { secret: { value: 'old', expiresAt: '2020-01-01' } })
    aadsts(await clientCredentials({ client_secret: 'old' }), 7000222)
    world.oauth.setClient(world.client.id, { aadsts: 7000112 })
    aadsts(await clientCredentials(), 7000112)
  })

  it('must not send a secret when it is public', async () => {
    world.oauth.setClient(world.client.id, { secret: [] })
    aadsts(await clientCredentials(), 700025)
  })

  it('asks for a whole resource of one tenant', async () => {
    aadsts(await clientCredentials({ scope: 'https://outlook.office.com/IMAP.AccessAsUser.All' }), 1002012)
    aadsts(await clientCredentials({ scope: 'openid' }), 1002012)
    aadsts(await clientCredentials({ scope: undefined }), 900144)
    app = new App(world, 'common')
    aadsts(await clientCredentials(), 9001023)
  })

  it('asks in the right way', async () => {
    aadsts(await app.token({ grant_type: 'password' }), 70003)
    aadsts(await app.token({}), 900144)
    aadsts(await world.request(app.endpoints.tokenEndpoint), 900561)
    const json = { body: '{"grant_type":"client_credentials"}', headers: { 'content-type': 'application/json' } }
    aadsts(await world.request(app.endpoints.tokenEndpoint, json), 900144)
  })

  describe('with a certificate', () => {
    type Certificate = Awaited<ReturnType<typeof createClientCertificate>>
    let certificate: Certificate
    let other: Certificate

    const assertion = async (changes: JWTPayload = {}, { key = certificate, alg = 'PS256', x5t = '' } = {}) => {
      const now = Math.floor(Date.now() / 1000)
      const { id } = world.client
      const body = { iss: id, sub: id, aud: app.endpoints.tokenEndpoint, jti: randomUUID(), nbf: now, exp: now + 300 }
      const jwt = await new SignJWT({ ...body, ...changes })
        .setProtectedHeader({ alg, 'x5t#S256': x5t || thumbprint(key.certificate) } as { alg: string })
        .sign(await importPKCS8(key.privateKey, alg))
      return clientCredentials({
        client_secret: undefined,
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: jwt,
      })
    }

    beforeAll(async () => {
      certificate = await createClientCertificate()
      other = await createClientCertificate()
    })
    beforeEach(() => world.oauth.setClient(world.client.id, { certificates: [certificate.certificate] }))

    it('signs an assertion', async () => {
      success(await assertion())
      success(await assertion({}, { alg: 'RS256' }))
    })

    it('is told what is wrong with it', async () => {
      const now = Math.floor(Date.now() / 1000)
      aadsts(await assertion({}, { key: other }), 700027)
      aadsts(await assertion({}, { key: other, x5t: thumbprint(certificate.certificate) }), 700027)
      aadsts(await assertion({ aud: 'https://evil.example/token' }), 700023)
      aadsts(await assertion({ exp: now - 600 }), 700024)
      aadsts(await assertion({ nbf: now + 900 }), 700024)
      aadsts(await assertion({ iss: randomUUID() }), 700021)
      aadsts(await assertion({ sub: randomUUID() }), 700021)
      aadsts(await clientCredentials({ client_secret: undefined, client_assertion: 'x.y.z' }), 50012)
    })
  })
})

/** `x5t#S256` (RFC 7515 §4.1.8) */
function thumbprint(pem: string) {
  return createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')
}
