import { inspect } from 'node:util'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { MailError, microsoft, OAuthClient, setLogger } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld, OAuthFault } from '@nocobase/email-native-simulator'

import { failing } from './failing'

const SECRET = 'CANARY-secret-7f3a'
const TOKEN = 'CANARY-token-7f3a'
const CODE = 'CANARY-code-7f3a'
const CANARIES = [SECRET, TOKEN, CODE]

/** What no part of may come through. An OAuth error, whose words are kept, echoes what the very request held. */
const ECHO = CANARIES.join(' ')

const ANSWERS: Array<[string, Omit<OAuthFault, 'endpoint'>, string[]]> = [
  ['a page', { status: 200, body: `<h1>${ECHO}</h1>`, headers: { 'content-type': 'text/html' } }, ['UNEXPECTED_RESPONSE']],
  ['a page with 403', { status: 403, body: `<h1>${ECHO}</h1>` }, ['UNEXPECTED_RESPONSE']],
  ['a redirect', { status: 302, body: ECHO, headers: { location: `https://evil.example/?${SECRET}` } }, ['UNEXPECTED_RESPONSE']],
  ['300 KB', { status: 200, body: `{"access_token":"${TOKEN.repeat(20_000)}"}` }, ['UNEXPECTED_RESPONSE']],
  ['a token of 40 KB', { status: 200, body: { token_type: 'Bearer', access_token: TOKEN.repeat(2500) } }, ['UNEXPECTED_RESPONSE']],
  ['nothing', { status: 200, body: '' }, ['UNEXPECTED_RESPONSE']],
  ['half a JSON', { status: 200, body: `{"access_token":"${TOKEN}` }, ['UNEXPECTED_RESPONSE']],
  ['an array', { status: 200, body: [ECHO] }, ['UNEXPECTED_RESPONSE']],
  ['a number for a token', { status: 200, body: { token_type: 'Bearer', access_token: 7, scope: ECHO } }, ['UNEXPECTED_RESPONSE']],
  ['another token type', { status: 200, body: { token_type: 'mac', access_token: TOKEN } }, ['UNEXPECTED_RESPONSE']],
  ['CR LF in a token', { status: 200, body: { token_type: 'Bearer', access_token: `${TOKEN}\r\nx` } }, ['UNEXPECTED_RESPONSE']],
  ['an error with everything in it', { status: 400, body: { error: 'invalid_grant' } }, ['INVALID_GRANT']],
  ['an error that is an object', { status: 400, body: { error: { [SECRET]: TOKEN } } }, ['UNEXPECTED_RESPONSE', 'COMMAND_REJECTED']],
  ['500 with a stack', { status: 500, body: `Error: ${ECHO}` }, ['SERVER_UNAVAILABLE']],
  ['a cut connection', { destroy: true }, ['CONNECTION_LOST']],
  ['silence', { delayMs: 20_000 }, ['TIMEOUT']],
] // prettier-ignore

describe('hostile token endpoints', () => {
  let world: MailWorld
  let client: OAuthClient
  const lines: unknown[] = []
  let logged = 0
  let grants = 0

  beforeAll(async () => {
    world = await startMailWorld({ seed: 0, imap: false, smtp: false })
    world.oauth.setClient(world.client.id, { secret: SECRET })
    const endpoints = { ...world.oauth.endpoints, ...world.oauth.endpointsFor('contoso.example') }
    const tenant = 'contoso.example'
    client = new OAuthClient(microsoft({ ...world.microsoft, endpoints, tenant, clientSecret: SECRET }), {
      ca: world.ca,
    })
    setLogger((line) => {
      logged += 1
      lines.push(line)
    })
  })
  afterAll(async () => {
    setLogger(null)
    expect(logged).toBeGreaterThan(0)
    await world?.stop()
  })
  beforeEach(() => {
    world.oauth.clearFaults()
    lines.length = 0
  })

  /** Every call that asks the token endpoint. */
  function flows(timeoutMs: number): Array<[string, string[], () => Promise<unknown>]> {
    const pending = client.authorizationUrl({ redirectUri: world.client.redirectUri })
    const callback = `${pending.redirectUri}?state=${pending.state}&code=${CODE}`
    const at = (ms: number) => new Date(Date.now() + ms).toISOString()
    // Sources of one grant share its pauses: each has a grant of its own here.
    const refreshToken = `${TOKEN}-${++grants}`
    const tokens = { accessToken: TOKEN, refreshToken, idToken: null, tokenType: 'Bearer' as const, scopes: [] }
    const source = client.tokenSource({ tokens: { ...tokens, expiresAt: at(-1000), obtainedAt: at(-9000) } })
    const device = {
      deviceCode: CODE,
      userCode: CODE,
      verificationUri: 'https://x.example',
      verificationUriComplete: null,
    }
    return [
      ['refresh', [TOKEN], () => client.refresh(TOKEN, { timeoutMs })],
      ['redeem', [CODE, pending.codeVerifier], () => client.redeem(callback, pending, { timeoutMs })],
      ['clientCredentials', [], () => client.clientCredentials({ timeoutMs })],
      ['profile', [TOKEN], () => client.profile(TOKEN, { timeoutMs })],
      ['accessToken', [refreshToken], () => source.accessToken({ timeoutMs })],
      [
        'device',
        [CODE],
        () => client.pollDeviceAuthorization({ ...device, expiresAt: at(60_000), intervalMs: 1000 }, { timeoutMs }),
      ],
    ]
  }

  test.each(ANSWERS)('%s: a typed failure of every flow, and no secret anywhere', async (name, fault, codes) => {
    const timeoutMs = name === 'silence' ? 300 : 10_000
    const errors: MailError[] = []
    for (const [flow, sent, call] of flows(timeoutMs)) {
      world.oauth.clearFaults()
      // Again and again: a poll of the device flow asks more than once.
      const echo = [SECRET, ...sent].join(' ')
      const body = name.startsWith('an error with')
        ? { error: 'invalid_grant', error_description: echo, claims: echo }
        : fault.body
      world.oauth.failNext({ ...fault, ...(body !== undefined && { body }), times: 50 })
      const patient = flow === 'device' && name !== 'silence'
      const error = await failing(patient ? polledBriefly() : call())
      expect([...codes, 'AUTHORIZATION_PENDING'], `${flow}: ${error.code} ${error.message}`).toContain(error.code)
      expect(error.protocol).toBe('oauth')
      errors.push(error)
    }
    await new Promise((resolve) => setTimeout(resolve, 20))
    const printed = [
      ...errors.map((error) => `${error.stack}\n${String(error)}\n${JSON.stringify(error)}`),
      inspect(errors, { depth: 12, showHidden: true, getters: true }),
      inspect(lines, { depth: 12, showHidden: true }),
    ].join('\n')
    for (const canary of CANARIES) expect(printed).not.toContain(canary)
    expect(printed).not.toContain('evil.example')

    function polledBriefly(): Promise<unknown> {
      const [, , poll] = flows(900).find(([flow]) => flow === 'device')!
      return poll()
    }
  })

  test('keys and profile likewise', async () => {
    const { user } = world.accounts[0]
    const tokens = await world.issueTokens(user)
    for (const [endpoint, call] of [
      ['me', () => client.profile(tokens.refreshToken)],
      [
        'jwks',
        async () => {
          const fresh = new OAuthClient(client.provider, { ca: world.ca })
          const pending = fresh.authorizationUrl({ redirectUri: world.client.redirectUri })
          await fresh.redeem(await world.signIn(pending.url, user), pending)
        },
      ],
    ] as const) {
      for (const [name, fault] of ANSWERS.filter(
        ([, { status, destroy }]) => destroy || status === 200 || status === 302,
      )) {
        if (name.includes('token')) continue
        world.oauth.failNext({ endpoint, ...fault })
        const error = await failing(call())
        const printed = `${inspect(error, { depth: 9, showHidden: true })}${error.stack}${JSON.stringify(error)}`
        for (const canary of CANARIES) expect(printed, `${endpoint} ${name}`).not.toContain(canary)
      }
    }
  })
})
