import { createServer, type AddressInfo } from 'node:net'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import * as addon from '../index'
import { buildMessage, ImapClient, MailError, microsoft, OAuthClient, parseMessage, SmtpClient } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { all, failing } from './failing'
import { startServer, type HostileServer } from './hostile/server'

const SECRET = 'hunter2'

function refuse(): never {
  throw new Error(SECRET)
}

/** Every field that some call asks for. */
const FIELDS = ['timeoutMs', 'signal', 'host', 'auth', 'clientId', 'issuer', 'from', 'intervalMs', 'message', 'headers']

const getters = Object.defineProperties(
  {},
  Object.fromEntries(FIELDS.map((name) => [name, { enumerable: true, get: refuse }])),
)

const traps = new Proxy(
  {},
  { get: refuse, has: refuse, ownKeys: refuse, getPrototypeOf: refuse, getOwnPropertyDescriptor: refuse },
)

function revoked(): object {
  const { proxy, revoke } = Proxy.revocable({}, {})
  revoke()
  return proxy
}

const VALUES: Array<[string, object]> = [
  ['getters that throw', getters],
  ['a proxy that throws', traps],
  ['a revoked proxy', revoked()],
]

const TOKENS = {
  accessToken: 'a',
  refreshToken: 'r',
  idToken: null,
  tokenType: 'Bearer' as const,
  scopes: ['https://outlook.office.com/SMTP.Send'],
  expiresAt: '2030-01-01T00:00:00.000Z',
  obtainedAt: '2029-12-31T23:00:00.000Z',
}

test('options may come from what they were made of', async () => {
  const late = AbortSignal.abort()
  await expect(parseMessage(Buffer.from('a: b'), Object.create({ signal: late }) as object)).rejects.toMatchObject({
    code: 'ABORTED',
  })
})

test.each<[string, object]>([
  ['timeoutMs', { timeoutMs: 1 }],
  ['signal', { signal: AbortSignal.abort() }],
  ['intervalMs', { intervalMs: 60_000 }],
  ['auth', { auth: { user: 'mallory', password: 'x' } }],
  ['password', { password: 'x' }],
  ['save', { save: 'no function' }],
])('a polluted prototype sets no option: %s', async (name, polluted) => {
  const server = createServer((socket) => {
    socket.on('data', () => socket.write('250 ok\r\n')).on('error', () => {})
    // Later than the polluted deadline.
    setTimeout(() => socket.write('220 hello\r\n'), 50)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  Object.assign(Object.prototype, polluted)
  try {
    const smtp = await SmtpClient.connect({ host: '127.0.0.1', port, tls: 'none' })
    await parseMessage(Buffer.from('Subject: x\r\n\r\ny'))
    await smtp.verify()
    const started = Date.now()
    await all(smtp.sendMany([{ from: 'not an address' }, { from: 'nor this' }], {}))
    expect(Date.now() - started).toBeLessThan(30_000)
    await smtp.close()
    if (name === 'password') {
      const inherited = { user: 'ada', accessToken: 'x' }
      await expect(
        SmtpClient.connect({ host: '127.0.0.1', port: 1, tls: 'none', auth: inherited }),
      ).rejects.toMatchObject({
        code: 'CONNECTION_REFUSED',
      })
    }
    const client = new OAuthClient(microsoft({ clientId: 'c', clientSecret: 's' }))
    client.tokenSource({ tokens: TOKENS })
  } finally {
    delete (Object.prototype as Record<string, unknown>)[name]
    server.close()
  }
})

describe('what cannot be read is a wrong argument, and nothing is sent', () => {
  const from = 'ada@contoso.example'
  /** As `append`, `copy` and `move` give it where the server has none. */
  const unknown = { uidValidity: null as never }
  const message = { from, to: 'ben@elsewhere.example', text: 'x' }
  let server: HostileServer
  let imap: ImapClient
  let world: MailWorld
  let smtp: SmtpClient
  let oauth: OAuthClient

  beforeAll(async () => {
    server = await startServer({}, { key: '', cert: '' })
    imap = await ImapClient.connect({ ...address(), auth: { user: 'ada', password: 'secret' } })
    world = await startMailWorld({ seed: 5 })
    oauth = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
    const { user } = world.accounts[0]
    message.from = user
    const { accessToken } = await world.issueTokens(user)
    smtp = await SmtpClient.connect({ ...oauth.provider.smtp!, ca: world.ca, auth: { user, accessToken } })
  })
  afterAll(async () => {
    imap?.close()
    await smtp?.close()
    await server?.stop()
    await world?.stop()
  })

  const address = () => ({ host: '127.0.0.1', port: server.port, tls: 'none' as const })

  test.each(VALUES)('a rejection, never thrown: %s', async (_what, value) => {
    const given = value as never
    const before = server.commands.length
    const calls: Record<string, () => Promise<unknown>> = {
      'parseMessage of it': () => parseMessage(given),
      'parseMessage with it': () => parseMessage(Buffer.from('x'), given),
      'buildMessage of it': () => buildMessage(given),
      'buildMessage with it': () => buildMessage(message, given),
      'connect to IMAP': () => ImapClient.connect(given),
      'connect to SMTP': () => SmtpClient.connect(given),
      'auth of SMTP': () => SmtpClient.connect({ ...address(), auth: given }),
      discoverProvider: () => addon.discoverProvider(given),
      diagnose: () => addon.diagnose(given),
      'provider of diagnose': () => addon.diagnose({ provider: given }),
      refresh: () => oauth.refresh('r', given),
      redeem: () => oauth.redeem('https://a.example/cb', given),
      clientCredentials: () => oauth.clientCredentials(given),
      startDeviceAuthorization: () => oauth.startDeviceAuthorization(given),
      pollDeviceAuthorization: () => oauth.pollDeviceAuthorization(given),
      revoke: () => oauth.revoke('r', given),
      'send of it': () => smtp.send(given),
      'send with it': () => smtp.send(message, given),
      verify: () => smtp.verify(given),
      'sendMany of it': () => all(smtp.sendMany(given)),
      'sendMany with it': () => all(smtp.sendMany([message], given)),
      list: () => imap.list(given),
      status: () => imap.status('INBOX', given),
      create: () => imap.create('x', given),
      'search for it': () => imap.search('INBOX', given),
      'search with it': () => imap.search('INBOX', { seen: true }, given),
      'fetch of UIDs': () => imap.fetch('INBOX', given, { flags: true }).next(),
      'fetch of it': () => imap.fetch('INBOX', 5, given).next(),
      'fetch with it': () => imap.fetch('INBOX', 5, { flags: true }, given).next(),
      pages: () => imap.fetch('INBOX', 5, given).pages().next(),
      'size of pages': () => imap.fetch('INBOX', 5, { flags: true }).pages(given).next(),
      fetchOne: () => imap.fetchOne('INBOX', 5, given, given),
      download: () => imap.download('INBOX', 5, given).next(),
      sync: () => imap.sync('INBOX', null, given).next(),
      watch: () => imap.watch('INBOX', given).next(),
      addFlags: () => imap.addFlags('INBOX', 5, given, given),
      removeFlags: () => imap.removeFlags('INBOX', 5, [], given),
      setFlags: () => imap.setFlags('INBOX', given, []),
      copy: () => imap.copy('INBOX', 5, 'x', given),
      move: () => imap.move('INBOX', 5, 'x', given),
      delete: () => imap.delete('INBOX', 5, given),
      append: () => imap.append('INBOX', Buffer.from('x'), given),
      replace: () => imap.replace('INBOX', 5, Buffer.from('x'), given),
      logout: () => imap.logout(given),
    }
    for (const [name, call] of Object.entries(calls)) {
      let pending: Promise<unknown>
      try {
        pending = call()
      } catch (thrown) {
        throw new Error(`${name} threw instead of rejecting`, { cause: thrown })
      }
      wrongArgument(name, await failing(pending))
    }
    expect(server.commands.slice(before)).toEqual([])
    expect(world.outbox).toEqual([])
  })

  test.each(VALUES)('thrown by synchronous functions: %s', (_what, value) => {
    const given = value as never
    const calls: Record<string, () => unknown> = {
      microsoft: () => microsoft(given),
      google: () => addon.google(given),
      'provider of a client': () => new OAuthClient(given),
      'options of a client': () => new OAuthClient(oauth.provider, { ca: given }),
      authorizationUrl: () => oauth.authorizationUrl({ redirectUri: given }),
      adminConsentUrl: () => oauth.adminConsentUrl({ redirectUri: given }),
      tokenSource: () => oauth.tokenSource({ tokens: given }),
      'replyTo it': () => addon.replyTo(given, { from }),
      'replyTo with it': () => addon.replyTo({} as never, given),
      'forward it': () => addon.forward(given, { from, to: from }),
      'forward with it': () => addon.forward({} as never, given),
    }
    for (const [name, call] of Object.entries(calls)) {
      try {
        call()
      } catch (thrown) {
        wrongArgument(name, thrown as MailError)
        continue
      }
      expect.unreachable(`${name} did not throw`)
    }
  })

  test('in a series it is the outcome of that message', async () => {
    const outcomes = await all(smtp.sendMany([getters as never]))
    expect(outcomes).toHaveLength(1)
    wrongArgument('sendMany', outcomes[0].error!)
    expect(outcomes[0].error).toMatchObject({ delivery: 'not-sent' })
  })

  test.each<[string, object]>([
    ['that cannot be let go', { aborted: false, addEventListener() {} }],
    ['that refuses the listener', { aborted: false, addEventListener: refuse, removeEventListener() {} }],
    ['that cannot be asked', Object.defineProperty(new EventTarget(), 'aborted', { get: refuse })],
  ])('a signal %s is a wrong argument', async (_what, signal) => {
    const error = await failing(smtp.send(message, { signal: signal as never }))
    wrongArgument('send', error)
    expect(error.delivery).toBe('not-sent')
    expect(world.outbox).toEqual([])
  })

  test('a signal that fails when it is let go does not undo what is done', async () => {
    const signal = { aborted: false, addEventListener() {}, removeEventListener: refuse } as never
    expect(await smtp.send(message, { signal })).toMatchObject({ accepted: ['ben@elsewhere.example'] })
    expect(await all(smtp.sendMany([message], { signal }))).toMatchObject([{ error: null }])
    await imap.status('INBOX', { signal })
  })

  test.each<[string, () => Promise<unknown>]>([
    ['query.uid', () => imap.search('INBOX', { uid: null as never })],
    ['query.from', () => imap.search('INBOX', { from: null as never })],
    ['query.since', () => imap.search('INBOX', { since: null as never })],
    ['query.header', () => imap.search('INBOX', { header: null as never })],
    ['query.or', () => imap.search('INBOX', { or: null as never })],
    ['query.or[0].not', () => imap.search('INBOX', { or: [{ not: null as never }] })],
    ['query.not', () => imap.search('INBOX', { not: null as never })],
    ['query', () => imap.search('INBOX', null as never)],
    ['uids', () => imap.delete('INBOX', null as never)],
    ['flags', () => imap.setFlags('INBOX', 5, null as never)],
    ['options.uidValidity', () => imap.search('INBOX', { all: true }, unknown)],
    ['options.uidValidity', () => imap.fetch('INBOX', 5, { flags: true }, unknown).next()],
    ['options.uidValidity', () => imap.fetchOne('INBOX', 5, { flags: true }, unknown)],
    ['options.uidValidity', () => imap.download('INBOX', 5, unknown).next()],
    ['options.uidValidity', () => imap.setFlags('INBOX', 5, [], unknown)],
    ['options.uidValidity', () => imap.copy('INBOX', 5, 'x', unknown)],
    ['options.uidValidity', () => imap.move('INBOX', 5, 'x', unknown)],
    ['options.uidValidity', () => imap.delete('INBOX', 5, unknown)],
    ['options.uidValidity', () => imap.replace('INBOX', 5, Buffer.from('x'), unknown)],
    ['options.part', () => imap.download('INBOX', 5, { part: null as never }).next()],
    ['options.maxBytes', () => imap.download('INBOX', 5, { maxBytes: null as never }).next()],
    ['options.since', () => imap.sync('INBOX', null, { since: null as never }).next()],
  ])('null widens no call: %s', async (name, call) => {
    const before = server.commands.length
    const error = await failing(call)
    wrongArgument(name, error)
    expect(error.message).toContain(`${name}: `)
    if (name === 'options.uidValidity') expect(error.message).toContain('the server gave no UIDVALIDITY')
    expect(server.commands.slice(before)).toEqual([])
  })

  test('where the contract has null, it stays what it was', async () => {
    const nobody = { name: null, address: from }
    await buildMessage({ from: nobody, to: [nobody] })
    new OAuthClient(oauth.provider, { proxy: null })
    await imap.status('INBOX', { signal: null as never })
    await imap.sync('INBOX', null).next()
  })

  /** The words of what was thrown may be a secret's. */
  function wrongArgument(name: string, error: MailError): void {
    expect([name, error instanceof MailError, error.code, error.category]).toEqual([
      name,
      true,
      'INVALID_ARGUMENT',
      'argument',
    ])
    expect(`${error.message}${error.stack}`).not.toContain(SECRET)
    expect(error.stack).toContain('caller-values.test.ts')
  }
})
