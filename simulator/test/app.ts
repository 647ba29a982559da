import { createHash, randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { MailWorld, Reply, SignInOptions } from '@nocobase/email-native-simulator'

export const OIDC = 'openid profile email offline_access'
export const MAIL = 'https://outlook.office.com/IMAP.AccessAsUser.All https://outlook.office.com/SMTP.Send'
export const PROFILE = 'https://graph.microsoft.com/User.Read'
export const EVERYTHING = `${OIDC} ${MAIL} ${PROFILE}`

type Form = Record<string, string | undefined>
type Json = Record<string, any> // eslint-disable-line @typescript-eslint/no-explicit-any

/** What an app does at an OAuth server, each step with values to be overridden, so that a test says only what is odd about it. */
export class App {
  readonly verifier = randomBytes(32).toString('base64url')

  constructor(
    readonly world: MailWorld,
    readonly tenant = 'common',
  ) {}

  get endpoints() {
    return this.world.oauth.endpointsFor(this.tenant)
  }

  url(overrides: Form = {}): string {
    const { id, redirectUri } = this.world.client
    const parameters: Form = {
      client_id: id,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: EVERYTHING,
      state: 'the-state',
      nonce: 'the-nonce',
      code_challenge: createHash('sha256').update(this.verifier).digest('base64url'),
      code_challenge_method: 'S256',
      ...overrides,
    }
    const given = Object.entries(parameters).filter((pair): pair is [string, string] => pair[1] !== undefined)
    return `${this.endpoints.authorizationEndpoint}?${new URLSearchParams(given)}`
  }

  /** The callback's parameters. */
  async signIn(overrides: Form = {}, account?: string, options?: SignInOptions): Promise<URLSearchParams> {
    return new URL(await this.world.signIn(this.url(overrides), account, options)).searchParams
  }

  async code(account?: string, overrides: Form = {}): Promise<string> {
    const callback = await this.signIn(overrides, account)
    expect(callback.get('error_description')).toBeNull()
    return callback.get('code') as string
  }

  redeem(code: string, overrides: Form = {}): Promise<Reply> {
    const { id, secret, redirectUri } = this.world.client
    return this.token({
      grant_type: 'authorization_code',
      client_id: id,
      client_secret: secret,
      redirect_uri: redirectUri,
      scope: `${OIDC} ${MAIL}`,
      code,
      code_verifier: this.verifier,
      ...overrides,
    })
  }

  async link(account?: string): Promise<Json> {
    return success(await this.redeem(await this.code(account)))
  }

  refresh(refreshToken: string, overrides: Form = {}): Promise<Reply> {
    const { id, secret } = this.world.client
    return this.token({
      grant_type: 'refresh_token',
      client_id: id,
      client_secret: secret,
      refresh_token: refreshToken,
      ...overrides,
    })
  }

  token(form: Form): Promise<Reply> {
    return this.world.request(this.endpoints.tokenEndpoint, { form })
  }
}

export function success(reply: Reply): Json {
  expect(reply.text).toMatch(/^\{"token_type"|^\{"access_token"/)
  expect(reply.status).toBe(200)
  return reply.json() as Json
}

/** Asserts Entra's error of that number, whole. */
export function aadsts(reply: Reply, code: number): Json {
  const body = reply.json() as Json
  expect(body.error_codes, body.error_description).toEqual([code])
  expect(body.error_description).toMatch(
    new RegExp(`^AADSTS${code}: .+ Trace ID: [0-9a-f-]{36} Correlation ID: \\S{36} Timestamp: [0-9: -]{19}Z$`),
  )
  expect(body.trace_id).toMatch(/^[0-9a-f-]{36}$/)
  expect(body.error_uri).toContain(`error?code=${code}`)
  expect(body.error).toMatch(/^[a-z_]+$/)
  expect(reply.status).toBeGreaterThanOrEqual(400)
  return body
}

export function claims(jwt: string): Json {
  return JSON.parse(Buffer.from(jwt.split('.')[1], 'base64url').toString('utf8'))
}

export function header(jwt: string): Json {
  return JSON.parse(Buffer.from(jwt.split('.')[0], 'base64url').toString('utf8'))
}
