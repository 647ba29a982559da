import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'
import { aadsts, App, claims, MAIL, OIDC, success } from './app'

const GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

type Device = { device_code: string; user_code: string; verification_uri: string; interval: number; expires_in: number }

let world: MailWorld
let app: App

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: false, oauth: { deviceIntervalSeconds: 0 } })
})
afterAll(() => world.stop())
beforeEach(() => {
  app = new App(world)
  world.oauth.deviceIntervalSeconds = 0
})

async function start(): Promise<Device> {
  const form = { client_id: world.client.id, scope: `${OIDC} ${MAIL}` }
  return (await world.request(app.endpoints.deviceAuthorizationEndpoint, { form })).json() as Device
}

function poll({ device_code }: Device) {
  return app.token({ grant_type: GRANT, client_id: world.client.id, device_code })
}

describe('device code', () => {
  it('is pending until the person has signed in, and good once', async () => {
    const device = await start()
    expect(device).toMatchObject({ expires_in: 900, interval: 0 })
    expect(aadsts(await poll(device), 70016).error).toBe('authorization_pending')
    const message = await world.approveDevice(device.verification_uri, device.user_code)
    expect(message).toMatch(/You have signed in/)
    const tokens = success(await poll(device))
    expect(claims(tokens.id_token).preferred_username).toBe(world.accounts[0].user)
    success(await app.refresh(tokens.refresh_token, { client_secret: undefined }))
    aadsts(await poll(device), 70020)
  })

  it('can be declined', async () => {
    const device = await start()
    await world.approveDevice(device.verification_uri, device.user_code, undefined, { decline: true })
    expect(aadsts(await poll(device), 65004).error).toBe('authorization_declined')
  })

  it('tells impatient clients to slow down', async () => {
    world.oauth.deviceIntervalSeconds = 5
    const device = await start()
    aadsts(await poll(device), 70016)
    expect((await poll(device)).json()).toMatchObject({ error: 'slow_down' })
  })

  it('is refused when it was never issued', async () => {
    aadsts(await poll({ device_code: 'made-up' } as Device), 70018)
    const { verification_uri: uri } = await start()
    await expect(world.approveDevice(uri, 'WRONGCODE')).rejects.toThrow(/didn't work/)
  })

  it('lives as long as it is told', async () => {
    world.oauth.deviceLifetimeSeconds = 1
    const device = await start()
    world.oauth.deviceLifetimeSeconds = 900
    expect(device.expires_in).toBe(1)
    await expect
      .poll(async () => (await poll(device)).json(), { timeout: 5000 })
      .toMatchObject({ error: 'expired_token' })
    await expect(world.approveDevice(device.verification_uri, device.user_code)).rejects.toThrow(/didn't work/)
  })
})
