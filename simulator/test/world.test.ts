import { execFile } from 'node:child_process'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { promisify } from 'node:util'
import { X509Certificate } from 'node:crypto'
import { ImapFlow } from 'imapflow'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'

const ROBIN = 'robin.sample@contoso.example'
const KIM = 'kim.muster@contoso.example'
const SUPPORT = 'support@contoso.example'

let world: MailWorld

beforeAll(async () => {
  world = await startMailWorld({ seed: 40 })
})
afterAll(() => world.stop())

function imap(auth: { user: string; pass?: string; accessToken?: string }, at = world.imap!) {
  const { host, port } = at
  return new ImapFlow({ host, port, secure: true, tls: { ca: world.ca }, auth, logger: false })
}

/** Signs in, counts the messages of INBOX, goes. */
async function count(auth: { user: string; pass?: string; accessToken?: string }, at = world.imap!) {
  const client = imap(auth, at)
  client.on('error', () => {})
  await client.connect()
  try {
    return (await client.status('INBOX', { messages: true })).messages
  } finally {
    client.close()
  }
}

describe('a mail world', () => {
  it('has mail in the first mailbox, by token and by password', async () => {
    const there = world.mailbox(ROBIN).get('INBOX')?.messages.length
    expect(there).toBeGreaterThan(0)
    expect(await count({ user: ROBIN, accessToken: await world.issueToken(ROBIN) })).toBe(there)
    expect(await count({ user: ROBIN, pass: world.accounts[0].password as string })).toBe(there)
    expect(await count({ user: KIM, accessToken: await world.issueToken(KIM) })).toBe(0)
  })

  it('has a Google account with labels', async () => {
    const { account, endpoints } = world.google
    const there = world.mailbox(account).get('INBOX')?.messages.length
    expect(there).toBeGreaterThan(0)
    const accessToken = await world.issueToken(account.user)
    expect(await count({ user: account.user, accessToken }, { ...world.imap!, ...endpoints.imap })).toBe(there)
    await expect(count({ user: account.user, accessToken })).rejects.toThrow()
  })

  it('opens mailboxes to nobody else', async () => {
    const token = await world.issueToken(ROBIN)
    await expect(count({ user: KIM, accessToken: token })).rejects.toThrow()
    await expect(count({ user: ROBIN, accessToken: 'nonsense' })).rejects.toThrow()
    await expect(count({ user: ROBIN, pass: 'wrong' })).rejects.toThrow()
    const smtpOnly = await world.issueToken(ROBIN, { scopes: ['https://outlook.office.com/SMTP.Send'] })
    await expect(count({ user: ROBIN, accessToken: smtpOnly })).rejects.toThrow()
    await expect(
      count({ user: ROBIN, accessToken: await world.issueToken(ROBIN, { expiresIn: -5 }) }),
    ).rejects.toThrow()
  })

  it('opens shared mailboxes to those who share them, and apps their own', async () => {
    expect(await count({ user: SUPPORT, accessToken: await world.issueToken(ROBIN) })).toBe(0)
    await expect(count({ user: SUPPORT, accessToken: await world.issueToken(KIM) })).rejects.toThrow()
  })

  it('has IMAP switches by account', async () => {
    world.oauth.setAccount(KIM, { imap: false })
    await expect(count({ user: KIM, accessToken: await world.issueToken(KIM) })).rejects.toThrow()
    world.oauth.setAccount(KIM, { imap: true })
  })

  it('is trusted by its own CA only, under its own names', async () => {
    const handshake = (ca: string, servername: string) =>
      new Promise<void>((resolve, reject) => {
        const socket = connectTls({ host: '127.0.0.1', port: world.oauth.port, ca, servername }, () => {
          socket.destroy()
          resolve()
        })
        socket.on('error', reject)
      })
    const other = await startMailWorld({ seed: 0, imap: false, smtp: false })
    await other.stop()
    await handshake(world.ca, 'localhost')
    await expect(handshake(other.ca, 'localhost')).rejects.toThrow(/self-signed|unable to|signature/i)
    await expect(handshake(world.ca, 'elsewhere.example')).rejects.toThrow(/does not match/)
    const expired = await world.issueCertificate({ names: ['old.example'], notAfter: new Date(Date.now() - 1000) })
    const certificate = new X509Certificate(expired.cert)
    expect(certificate.checkHost('old.example')).toBe('old.example')
    expect(certificate.verify(new X509Certificate(world.ca).publicKey)).toBe(true)
    expect(Date.parse(certificate.validTo)).toBeLessThan(Date.now())
  })

  it('takes other people, apps and ports', async () => {
    const own = await startMailWorld({
      accounts: [{ user: 'Only.One@tiny.example', password: 'p' }],
      tenants: [{ id: 'C0DE4444-7e57-4000-8000-00000c0de004', domain: 'tiny.example' }],
      clients: [{ id: 'my-app', secret: 's', redirectUris: ['https://my.example/cb'] }],
      seed: 3,
      host: '127.0.0.1',
    })
    expect(own.client).toEqual({ id: 'my-app', secret: 's', redirectUri: 'https://my.example/cb' })
    expect(own.accounts.map(({ user }) => user)).toEqual(['only.one@tiny.example'])
    expect(own.accounts[0].tenantId).toBe('c0de4444-7e57-4000-8000-00000c0de004')
    expect(own.oauth.origin).toMatch(/^https:\/\/127\.0\.0\.1:/)
    const { port } = own.imap!
    await own.stop()
    const again = await startMailWorld({ seed: 0, smtp: false, ports: { imap: port } })
    expect(again.imap?.port).toBe(port)
    expect(again.smtp).toBeNull()
    await expect(startMailWorld({ seed: 0, ports: { imap: port } })).rejects.toThrow(/EADDRINUSE/)
    await again.stop()
  })

  it('gives addresses that can be spread into options', () => {
    expect({ ...world.imap }).toEqual({ host: 'localhost', port: world.imap?.port, tls: 'implicit' })
    expect({ ...world.smtp }).toEqual({ host: 'localhost', port: world.smtp?.port, tls: 'starttls' })
    expect(world.microsoft.endpoints.imap).toEqual({ ...world.imap })
    expect(world.microsoft.endpoints.smtp).toEqual({ ...world.smtp })
    expect(world.imap?.connections()).toBeGreaterThan(0)
  })

  it('remembers what was asked', async () => {
    await world.request(world.oauth.endpoints.tokenEndpoint, { form: { grant_type: 'refresh_token', scope: 'x' } })
    const { endpoint, parameters } = world.oauth.requests.at(-1)!
    expect([endpoint, parameters]).toEqual(['token', { grant_type: 'refresh_token', scope: 'x' }])
  })

  it('refuses to change what is not there', () => {
    expect(() => world.oauth.setAccount('nobody@contoso.example', {})).toThrow(/no account/)
    expect(() => world.oauth.setClient('nothing', {})).toThrow(/no client/)
    expect(() => world.mailbox('nobody@contoso.example')).toThrow(/no account/)
  })
})

describe('stop', () => {
  it('ends everything at once, half-open connections too', async () => {
    const own = await startMailWorld({ seed: 0 })
    const ports = [own.oauth.port, own.imap!.port, own.smtp!.port, own.smtps!.port]
    const sockets = ports.flatMap((port) => [connect(port, '127.0.0.1'), connect(port, '127.0.0.1')])
    for (const socket of sockets) socket.on('error', () => {})
    await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
    // A TLS handshake that got stuck.
    for (const socket of sockets) socket.write(Buffer.from([22, 3, 1, 0, 200, 1, 0, 0, 196]))
    const started = Date.now()
    await own.stop()
    await own.stop()
    expect(Date.now() - started).toBeLessThan(1000)
    for (const port of ports) {
      const refused = new Promise((resolve) => connect(port, '127.0.0.1').once('error', resolve))
      expect(await refused).toMatchObject({ code: 'ECONNREFUSED' })
    }
    for (const socket of sockets) socket.destroy()
  })

  it('leaves nothing that keeps a process alive', async () => {
    const script = `
      const { startMailWorld } = require(${JSON.stringify(require.resolve('..'))})
      startMailWorld({ seed: 5 }).then(async (world) => {
        await world.signIn(
          world.oauth.endpoints.authorizationEndpoint + '?response_type=code&scope=openid&client_id=' + world.client.id +
            '&redirect_uri=' + encodeURIComponent(world.client.redirectUri),
        )
        await world.stop()
        const stopped = Date.now()
        process.once('exit', () => console.log(Date.now() - stopped))
      })`
    const { stdout } = await promisify(execFile)(process.execPath, ['-e', script], { timeout: 20_000 })
    expect(stdout).toMatch(/^\d+\n$/)
    expect(Number(stdout)).toBeLessThan(300)
  })
})
