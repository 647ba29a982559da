import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { inspect } from 'node:util'

import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'

import { diagnose, discoverProvider, google, MailError, microsoft, OAuthClient, setLogger } from '../index'
import type { DiagnosisStep, OAuthProvider } from '../index'
import { createClientCertificate, startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { failing } from './failing'

const MAILBOX = ['imap-connect', 'imap-tls', 'imap-auth', 'imap-mailbox']
const SUBMISSION = ['smtp-connect', 'smtp-tls', 'smtp-auth']
const EVERYTHING = ['app-credentials', 'token', 'token-scopes', ...MAILBOX, ...SUBMISSION]

type Report = Awaited<ReturnType<typeof diagnose>>

function names(report: Report): string[] {
  return report.steps.map(({ step }) => step)
}

function failed(report: Report): string[] {
  return report.steps.filter(({ ok }) => !ok).map(({ step, error }) => `${step} ${error?.code}`)
}

function step(report: Report, name: DiagnosisStep['step']): DiagnosisStep {
  const found = report.steps.find((one) => one.step === name)
  if (found === undefined) throw new Error(`no step ${name} in ${names(report).join(', ')}`)
  return found
}

describe('diagnose', () => {
  let world: MailWorld
  let provider: OAuthProvider
  let client: OAuthClient
  let robin: string
  /** Every line that the IMAP server was sent. */
  const said: string[] = []

  beforeAll(async () => {
    const log = ({ from, line }: { from: string; line: string }) => void (from === 'client' && said.push(line))
    world = await startMailWorld({ seed: 3, imap: { personality: 'exchange', log } })
    provider = microsoft(world.microsoft)
    client = new OAuthClient(provider, { ca: world.ca })
    robin = world.accounts[0].user
  })
  afterAll(() => world?.stop())
  afterEach(() => {
    world.oauth.clearFaults()
    world.imap!.faults.clear()
    world.smtp!.clearFaults()
    world.oauth.setClient(world.client.id, { secret: world.client.secret, audience: 'common' })
    for (const user of [robin, 'noa.nobody@personal.example']) {
      world.oauth.setAccount(user, { imap: true, smtpAuth: true, mailbox: true })
    }
  })

  function providerWith(changes: Record<string, unknown>, tenant?: string): OAuthProvider {
    const endpoints = { ...world.oauth.endpoints, ...(tenant && world.oauth.endpointsFor(tenant)) }
    return microsoft({ ...world.microsoft, endpoints, tenant, ...changes })
  }

  async function sourceOf(user: string, changes = {}) {
    return client.tokenSource({ tokens: { ...(await world.issueTokens(user)), ...changes } })
  }

  async function healthy(changes = {}): Promise<Report> {
    const auth = { user: robin, accessToken: await sourceOf(robin) }
    return diagnose({ provider, auth, ca: world.ca, ...changes })
  }

  test('a healthy set-up: every step, in order, nothing to advise, nothing sent, nothing changed', async () => {
    const inbox = world.mailbox(robin).get('INBOX')!
    said.length = 0
    const before = inbox.messages.map(({ uid, flags }) => `${uid} ${[...flags].join()}`)
    const report = await healthy()
    expect(failed(report)).toEqual([])
    expect(report.ok).toBe(true)
    expect(names(report)).toEqual(EVERYTHING)
    for (const one of report.steps) {
      expect(one).toEqual({ step: one.step, ok: true, ms: expect.any(Number), error: null, advice: null })
    }
    expect(inbox.messages.map(({ uid, flags }) => `${uid} ${[...flags].join()}`)).toEqual(before)
    expect(world.outbox).toEqual([])
    expect(said.some((line) => / EXAMINE /.test(line))).toBe(true)
    expect(said.filter((line) => / (SELECT|STORE|APPEND|CREATE) /.test(line))).toEqual([])
    expect(world.imap!.sessions().filter(({ state }) => state !== 'clear')).toEqual([])
  })

  test('without auth: the app and the way to the servers', async () => {
    said.length = 0
    const report = await diagnose({ provider, ca: world.ca })
    expect(report.ok).toBe(true)
    expect(names(report)).toEqual(['app-credentials', 'imap-connect', 'imap-tls', 'smtp-connect', 'smtp-tls'])
    // Nobody has tried to log in, and the farewell was polite.
    expect(said.filter((line) => /AUTHENTICATE|LOGIN/.test(line))).toEqual([])
    expect(said.at(-1)).toMatch(/LOGOUT/)
  })

  test('without a provider: the mail servers alone; a string tells no scopes', async () => {
    const { imap, smtp } = provider
    const auth = { user: robin, accessToken: await world.issueToken(robin) }
    const report = await diagnose({ auth, imap: imap!, smtp: smtp!, ca: world.ca })
    expect(failed(report)).toEqual([])
    expect(names(report)).toEqual(['token', ...MAILBOX, ...SUBMISSION])
  })

  test('STARTTLS, implicit TLS of SMTP, a password, a function', async () => {
    const { host, port, tls } = world.imapStarttls!
    const password = { user: robin, password: world.accounts[0].password! }
    const asked = await diagnose({ auth: password, imap: { host, port, tls }, smtp: world.smtps!, ca: world.ca })
    expect(failed(asked)).toEqual([])
    expect(names(asked)).toEqual([...MAILBOX, ...SUBMISSION])
    const called = await healthy({ auth: { user: robin, accessToken: () => world.issueToken(robin) } })
    expect(failed(called)).toEqual([])
    expect(names(called)).toEqual(['app-credentials', 'token', ...MAILBOX, ...SUBMISSION])
  })

  describe('app-credentials, without any user', () => {
    const WRONG = [
      ['the wrong secret', { clientSecret: 'wrong' }, 'CLIENT_REJECTED', 7000215, 'step 3'],
      [
        'an id for a value',
        { clientSecret: 'c0de1111-7e57-4c05-8050-00000c0de009' },
        'CLIENT_REJECTED',
        7000215,
        'Value',
      ],
      ['an unknown app', { clientId: 'c0dec11e-a7e5-4000-8000-00000c0dffff' }, 'CLIENT_REJECTED', 700016, 'step'],
      ['no secret', { clientSecret: undefined }, 'CLIENT_REJECTED', 7000218, 'step 3'],
    ] as const

    test.each(['common', 'contoso.example', 'organizations', 'consumers'])('on the tenant %s', async (tenant) => {
      world.oauth.setClient(world.client.id, { allowPublicClient: false })
      try {
        expect(failed(await diagnose({ provider: providerWith({}, tenant), ca: world.ca }))).toEqual([])
        for (const [what, changes, code, number, words] of WRONG) {
          const report = await diagnose({ provider: providerWith(changes, tenant), ca: world.ca })
          const found = step(report, 'app-credentials')
          expect(found.error, what).toMatchObject({ code, action: 'fix-config', protocol: 'oauth' })
          expect(found.error?.server?.details, what).toMatchObject({ errorCodes: [number] })
          expect(found.advice, what).toMatch(/^.*set-up guide, steps? \d.*\.$/)
          expect(found.advice, what).toContain(words)
          // What stands beside it runs all the same.
          expect(step(report, 'smtp-tls').ok).toBe(true)
        }
      } finally {
        world.oauth.setClient(world.client.id, { allowPublicClient: true })
      }
    })

    test('an expired secret, a tenant that is not there, a single-tenant app on common', async () => {
      world.oauth.setClient(world.client.id, { secret: { value: world.client.secret, expiresAt: '2020-01-01' } })
      const numbers = async (of: OAuthProvider) =>
        step(await diagnose({ provider: of, ca: world.ca }), 'app-credentials').error?.server?.details?.errorCodes
      expect(await numbers(provider)).toEqual([7000222])
      world.oauth.setClient(world.client.id, { secret: world.client.secret, audience: 'contoso.example' })
      expect(await numbers(provider)).toEqual([50194])
      expect(await numbers(providerWith({}, 'nowhere.example'))).toEqual([90002])
      expect(await numbers(providerWith({}, 'contoso.example'))).toBeUndefined()
    })

    test('where client credentials are refused before the secret is looked at, another question tells', async () => {
      const refuseFirst = () => world.oauth.failNext({ aadsts: 9001023, grantType: 'client_credentials' })
      refuseFirst()
      expect(step(await diagnose({ provider, ca: world.ca }), 'app-credentials').ok).toBe(true)
      refuseFirst()
      const wrong = await diagnose({ provider: providerWith({ clientSecret: 'wrong' }), ca: world.ca })
      expect(step(wrong, 'app-credentials').error).toMatchObject({ code: 'CLIENT_REJECTED' })
    })

    test('where nothing is told before a user is there, that is said', async () => {
      world.oauth.failNext({ aadsts: 9001023, grantType: 'client_credentials' })
      world.oauth.failNext({ aadsts: 9002313, error: 'invalid_grant', grantType: 'refresh_token' })
      const found = step(await diagnose({ provider, ca: world.ca }), 'app-credentials')
      expect(found).toMatchObject({ ok: true, error: null, advice: expect.stringContaining('does not tell') })
    })

    test('a certificate, and one that was not uploaded', async () => {
      const [good, other] = [await createClientCertificate(), await createClientCertificate()]
      world.oauth.setClient(world.client.id, { certificates: [good.certificate] })
      const withCertificate = (clientCertificate: typeof good) =>
        diagnose({ provider: providerWith({ clientSecret: undefined, clientCertificate }), ca: world.ca })
      expect(failed(await withCertificate(good))).toEqual([])
      const found = step(await withCertificate(other), 'app-credentials')
      expect(found.error?.server?.details).toMatchObject({ errorCodes: [700027] })
      expect(found.advice).toContain('Certificates')
    })

    test('Google, and any OpenID provider', async () => {
      const { clientId, clientSecret, endpoints } = world.google
      const of = (changes = {}) => google({ clientId, clientSecret, endpoints, ...changes })
      expect(failed(await diagnose({ provider: of(), ca: world.ca }))).toEqual([])
      for (const changes of [{ clientSecret: 'wrong' }, { clientId: 'unknown' }]) {
        const found = step(await diagnose({ provider: of(changes), ca: world.ca }), 'app-credentials')
        expect(found.error).toMatchObject({ code: 'CLIENT_REJECTED', action: 'fix-config' })
        expect(found.advice).toContain('Google Auth Platform > Clients')
      }
      const options = { issuer: world.oauth.origin, clientId, scopes: ['openid'], ca: world.ca }
      const generic = await discoverProvider({ ...options, clientSecret })
      const good = await diagnose({ provider: generic, ca: world.ca })
      expect([names(good), failed(good)]).toEqual([['app-credentials'], []])
      const wrong = await discoverProvider({ ...options, clientSecret: 'wrong' })
      expect(failed(await diagnose({ provider: wrong, ca: world.ca }))).toEqual(['app-credentials CLIENT_REJECTED'])
    })
  })

  test('a dead grant stops the sign-ins, not the connections', async () => {
    const expiresAt = new Date(Date.now() - 1000).toISOString()
    const accessToken = await sourceOf(robin, { refreshToken: 'made-up', expiresAt })
    const report = await healthy({ auth: { user: robin, accessToken } })
    expect(failed(report)).toEqual(['token INVALID_GRANT'])
    expect(names(report)).toEqual(['app-credentials', 'token', 'imap-connect', 'imap-tls', 'smtp-connect', 'smtp-tls'])
    expect(step(report, 'token').advice).toContain('step 8')
  })

  test('a function that throws is a failed step', async () => {
    const accessToken = async () => Promise.reject(new Error('database down'))
    const report = await healthy({ auth: { user: robin, accessToken } })
    expect(failed(report)).toEqual(['token CALLBACK_FAILED'])
    expect(JSON.stringify(report)).not.toContain('database down')
  })

  test('a token of Graph is told by the response, and the servers have their say as well', async () => {
    const tokens = await world.issueTokens(robin, { scopes: ['https://graph.microsoft.com/User.Read'] })
    const refreshed = await client.refresh(tokens.refreshToken, { scopes: ['https://graph.microsoft.com/User.Read'] })
    const auth = { user: robin, accessToken: client.tokenSource({ tokens: refreshed }) }
    const report = await healthy({ auth })
    expect(failed(report)).toEqual(['token-scopes INVALID_SCOPE', 'imap-auth TOKEN_REFUSED', 'smtp-auth TOKEN_REFUSED'])
    expect(step(report, 'token-scopes').error?.message).toContain('another resource')
    expect(step(report, 'token-scopes').advice).toContain('API permissions')
    expect(step(report, 'token-scopes').advice).toContain('step 4')
  })

  test('SMTP switched off, for the mailbox and for the tenant', async () => {
    world.oauth.setAccount(robin, { smtpAuth: false })
    const report = await healthy()
    expect(failed(report)).toEqual(['smtp-auth SMTP_AUTH_DISABLED'])
    expect(step(report, 'smtp-auth').error?.action).toBe('ask-admin')
    expect(step(report, 'smtp-auth').advice).toMatch(/Authenticated SMTP.*step 6/)
    world.oauth.setAccount(robin, { smtpAuth: true })
    world.oauth.setTenant('contoso.example', { smtpAuth: false })
    expect(failed(await healthy())).toEqual(['smtp-auth SMTP_AUTH_DISABLED'])
    world.oauth.setTenant('contoso.example', { smtpAuth: true })
  })

  test('IMAP switched off is permanent: retried, then told with the page and the step', async () => {
    world.imap!.faults.set({ notConnected: true }, { user: robin })
    const report = await healthy({ timeoutMs: 6000 })
    expect(failed(report)).toEqual(['imap-mailbox MAILBOX_UNAVAILABLE'])
    const { error, advice } = step(report, 'imap-mailbox')
    expect(step(report, 'imap-auth').ok).toBe(true)
    expect(error).toMatchObject({ action: 'ask-admin', category: 'permission', retryable: false })
    expect(error?.message).toMatch(/\(\d attempts\)/)
    expect(advice).toMatch(/Manage email apps: tick IMAP.*step 6/)
  })

  test('too many connections pass by themselves, and that is told', async () => {
    world.imap!.faults.set({ notConnected: true }, { user: robin })
    const logins = world.imap!.connections()
    const diagnosing = healthy()
    // Connected, then refused twice: the third attempt finds the way free.
    while (world.imap!.connections() < logins + 4) await new Promise((resolve) => setTimeout(resolve, 10))
    world.imap!.faults.clear()
    const report = await diagnosing
    expect(failed(report)).toEqual([])
    expect(step(report, 'imap-mailbox').advice).toMatch(/attempt \d.*too many/)
  })

  test('an account without a mailbox is told so: at work, in private, at Google', async () => {
    const noa = 'noa.nobody@personal.example'
    world.oauth.setAccount(robin, { mailbox: false })
    world.oauth.setAccount(noa, { mailbox: false })
    const personal = { user: noa, accessToken: await sourceOf(noa) }
    const { clientId, clientSecret, endpoints, account } = world.google
    const gmail = google({ clientId, clientSecret, endpoints })
    const jo = new OAuthClient(gmail, { ca: world.ca }).tokenSource({ tokens: await world.issueTokens(account.user) })
    world.oauth.setAccount(account.user, { mailbox: false })
    const [work, home, other] = await Promise.all([
      healthy({ timeoutMs: 3000 }),
      diagnose({ provider, auth: personal, ca: world.ca, timeoutMs: 3000 }),
      diagnose({ provider: gmail, auth: { user: account.user, accessToken: jo }, ca: world.ca, timeoutMs: 3000 }),
    ])
    world.oauth.setAccount(account.user, { mailbox: true })
    expect(step(work, 'imap-mailbox').advice).toContain('Exchange licence')
    expect(step(home, 'imap-mailbox').advice).toContain('personal Microsoft account')
    const refused = other.steps.find(({ ok }) => !ok)!
    expect(refused.step).toMatch(/^imap-/)
    expect(refused.advice).toMatch(/Gmail mailbox.*step/)
  })

  test('wrong servers: nobody there, another protocol, a foreign certificate, silence', async () => {
    const { host } = provider.imap!
    const closed = await port()
    const gone = { host, port: closed, tls: 'implicit' as const }
    const nobody = await healthy({ imap: gone, smtp: gone })
    expect(failed(nobody)).toEqual(['imap-connect CONNECTION_REFUSED', 'smtp-connect CONNECTION_REFUSED'])
    expect(step(nobody, 'imap-connect').error?.protocol).toBe('imap')
    const swapped = await healthy({ imap: provider.smtp!, smtp: world.imapStarttls!, timeoutMs: 20_000 })
    expect(failed(swapped).map((line) => line.split(' ')[0])).toEqual(['imap-tls', 'smtp-tls'])
    const strange = await healthy({ ca: undefined })
    expect(failed(strange)).toEqual([
      'app-credentials CERTIFICATE_UNTRUSTED',
      'imap-tls CERTIFICATE_UNTRUSTED',
      'smtp-tls CERTIFICATE_UNTRUSTED',
    ])
    expect(step(strange, 'imap-tls').advice).toContain('`ca`')
  })

  test('tls none, on this machine: there is no TLS to look at', async () => {
    const { host, port: clear } = world.imapStarttls!
    const report = await diagnose({ imap: { host, port: clear, tls: 'none' } })
    expect([names(report), report.ok]).toEqual([['imap-connect'], true])
  })

  test('a silent server costs its own step, not the report', async () => {
    const silent = createServer(() => {}).listen(0, '127.0.0.1')
    await new Promise((resolve) => silent.once('listening', resolve))
    const mute = { host: '127.0.0.1', port: (silent.address() as AddressInfo).port, tls: 'implicit' as const }
    const report = await healthy({ imap: mute, timeoutMs: 3000 })
    silent.close()
    expect(failed(report)).toEqual(['imap-tls TIMEOUT'])
    expect(step(report, 'smtp-auth').ok).toBe(true)
  })

  test('it rejects for wrong arguments and an abort alone', async () => {
    for (const options of [
      undefined,
      {},
      { provider: {} },
      { auth: { user: 'a', password: 'b' } },
      { imap: { host: 'h', port: 'x', tls: 'implicit' } },
      { imap: { host: 'h', port: 0, tls: 'implicit' } },
      { imap: { host: '192.0.2.1', port: 143, tls: 'none' } },
      { imap: { host: 'h', port: 993, tls: 'implicit' }, auth: { user: 'a\r\nb', password: 'c' } },
      { provider, ca: 'nonsense' },
      { provider, timeoutMs: 0 },
      { provider, auth: { user: 'a', accessToken: 5 } },
    ]) {
      expect(await failing(diagnose(options as never)), inspect(options)).toMatchObject({ category: 'argument' })
    }
    expect(await failing(healthy({ signal: AbortSignal.abort() }))).toMatchObject({ code: 'ABORTED' })
    world.oauth.failNext({ delayMs: 5000 })
    const abort = new AbortController()
    const running = failing(healthy({ signal: abort.signal }))
    setTimeout(() => abort.abort(), 100)
    expect(await running).toMatchObject({ code: 'ABORTED' })
  })

  test('no secret in any report, error or log line', async () => {
    const lines: unknown[] = []
    setLogger((line) => lines.push(line))
    const canary = 'CANARY-3f0e'
    const expiresAt = new Date(Date.now() - 1000).toISOString()
    const accessToken = await sourceOf(robin, { accessToken: canary, refreshToken: canary, expiresAt })
    const reports = await Promise.all([
      diagnose({ provider: providerWith({ clientSecret: canary }), auth: { user: robin, accessToken }, ca: world.ca }),
      healthy({ auth: { user: robin, accessToken: canary } }),
      healthy({ auth: { user: robin, password: canary } }),
    ])
    setLogger(null)
    for (const { error } of reports.flatMap(({ steps }) => steps)) {
      if (error === null) continue
      expect(error).toBeInstanceOf(MailError)
      expect(`${error.stack}${JSON.stringify(error)}`).not.toContain(canary)
    }
    const printed = inspect([reports, lines], { depth: 12, showHidden: true })
    expect(printed).not.toContain(canary)
    expect(printed).not.toContain(Buffer.from(canary).toString('base64').slice(0, 12))
    expect(failed(reports[1])).toEqual(['imap-auth TOKEN_REFUSED', 'smtp-auth TOKEN_REFUSED'])
  })
})

/** A port that nobody listens on. */
async function port(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  const found = (server.address() as AddressInfo).port
  await new Promise((resolve) => server.close(resolve))
  return found
}
