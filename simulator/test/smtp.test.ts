import { connect as connectTls } from 'node:tls'
import nodemailer from 'nodemailer'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'

const ROBIN = 'robin.sample@contoso.example'
const KIM = 'kim.muster@contoso.example'
const SUPPORT = 'support@contoso.example'
const LIMIT = 200_000

let world: MailWorld
const open: Array<{ close(): void }> = []

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false, smtp: { maxMessageBytes: LIMIT } })
})
afterAll(() => world.stop())
beforeEach(() => {
  world.outbox.length = 0
})
afterEach(() => {
  for (const transport of open.splice(0)) transport.close()
  const { smtp } = world
  smtp?.clearFaults()
  Object.assign(smtp?.settings ?? {}, { basicAuth: true, maxConnectionsPerMailbox: Infinity, rewriteMessageId: false })
  world.oauth.setAccount(ROBIN, { smtpAuth: true })
})

type Auth = { user: string; pass: string } | { type: 'OAuth2'; user: string; accessToken: string }

function transportOf(auth: Auth, { implicit = false, pool = false } = {}) {
  const { host, port } = implicit ? world.smtps! : world.smtp!
  const transport = nodemailer.createTransport({
    host,
    port,
    secure: implicit,
    requireTLS: !implicit,
    tls: { ca: world.ca },
    auth,
    pool,
    // The certificate is checked by every one of these tests.
  } as nodemailer.TransportOptions)
  open.push(transport)
  return transport
}

const bearer = async (user = ROBIN, options = {}, as = user): Promise<Auth> => ({
  type: 'OAuth2',
  user: as,
  accessToken: await world.issueToken(user, options),
})

const password = (user = ROBIN): Auth => ({
  user,
  pass: world.accounts.find((account) => account.user === user)?.password as string,
})

const MESSAGE = { from: `Robin Sample <${ROBIN}>`, to: KIM, subject: 'Grüße', text: 'Hallo' }

function newest(user: string, path = 'INBOX') {
  return world.mailbox(user).get(path)?.messages.at(-1)?.content.raw.toString() ?? ''
}

/** A refused call's reply. */
async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  )
  expect(error).not.toBeNull()
  return error.response ?? error.message
}

describe('submission', () => {
  it('takes tokens and passwords on both ports', async () => {
    for (const auth of [await bearer(), password()]) {
      for (const implicit of [false, true]) {
        const info = await transportOf(auth, { implicit }).sendMail(MESSAGE)
        expect(info.accepted).toEqual([KIM])
        expect(info.response).toMatch(/^250 2\.0\.0 OK </)
      }
    }
  })

  it('delivers to everyone and keeps a copy in Sent', async () => {
    const before = world.mailbox(ROBIN).bySpecialUse('\\Sent')?.messages.length ?? 0
    const to = [KIM, 'sales@contoso.example', 'someone@elsewhere.example']
    await transportOf(await bearer()).sendMail({ ...MESSAGE, to, subject: 'To many' })
    expect(newest(KIM)).toMatch(/^Return-Path: <robin\.sample@contoso\.example>\r\nReceived: from /)
    expect(newest(KIM)).toContain('Subject: To many')
    expect(newest(ROBIN)).toContain('Subject: To many')
    const sent = world.mailbox(ROBIN).bySpecialUse('\\Sent')
    expect(sent?.messages.length).toBe(before + 1)
    expect(sent?.messages.at(-1)?.content.raw.toString()).not.toContain('Received:')
    expect([...(sent?.messages.at(-1)?.flags ?? [])]).toContain('\\Seen')
    expect(world.outbox).toMatchObject([{ user: ROBIN, from: ROBIN, to: ['someone@elsewhere.example'] }])
    expect(world.outbox[0].raw.toString()).toContain('Subject: To many')
  })

  it('answers refused tokens with a challenge, then 535', async () => {
    const { port, host } = world.smtps!
    const socket = connectTls({ host, port, ca: world.ca, servername: 'localhost' })
    open.push({ close: () => socket.destroy() })
    const lines: string[] = []
    const talk = async (line: string) => {
      socket.write(`${line}\r\n`)
      await new Promise<void>((resolve) => {
        socket.once('data', (data) => {
          lines.push(data.toString())
          resolve()
        })
      })
      return lines.at(-1) as string
    }
    await new Promise((resolve) => socket.once('data', resolve))
    await talk('EHLO test')
    const response = Buffer.from(`user=${ROBIN}\x01auth=Bearer nonsense\x01\x01`).toString('base64')
    const challenge = await talk(`AUTH XOAUTH2 ${response}`)
    expect(challenge).toMatch(/^334 \S+\r\n$/)
    expect(JSON.parse(Buffer.from(challenge.slice(4), 'base64').toString())).toMatchObject({ schemes: 'bearer' })
    expect(await talk('')).toMatch(/^535 5\.7\.3 Authentication unsuccessful/)
  })

  it('checks what a token is for, and whose it is', async () => {
    const cases: Array<[string, Auth]> = [
      ['expired', await bearer(ROBIN, { expiresIn: -1 })],
      ['for Graph', await bearer(ROBIN, { scopes: ['SMTP.Send'] })],
      ['without SMTP.Send', await bearer(ROBIN, { scopes: ['https://outlook.office.com/IMAP.AccessAsUser.All'] })],
      ['for another audience', await bearer(ROBIN, { audience: 'https://evil.example' })],
      ['of another user', await bearer(ROBIN, {}, KIM)],
      ['of a world with other keys', { type: 'OAuth2', user: ROBIN, accessToken: await foreignToken() }],
      ['a password', { type: 'OAuth2', user: ROBIN, accessToken: 'correct horse battery staple' }],
      ['a wrong password', { user: ROBIN, pass: 'wrong' }],
      ['a shared mailbox', { user: SUPPORT, pass: 'undefined' }],
    ]
    for (const [what, auth] of cases) {
      expect(await refusal(transportOf(auth).verify()), what).toMatch(/535 5\.7\.3/)
    }
  })

  it('lets people send as themselves, their aliases and shared mailboxes only', async () => {
    const transport = transportOf(await bearer())
    for (const from of [ROBIN, 'sales@contoso.example', 'SALES@contoso.example', SUPPORT]) {
      await transport.sendMail({ ...MESSAGE, from })
    }
    expect(await refusal(transport.sendMail({ ...MESSAGE, from: KIM }))).toMatch(/^550 5\.7\.60 /)
    const envelope = { from: ROBIN, to: KIM }
    expect(await refusal(transport.sendMail({ ...MESSAGE, from: KIM, envelope }))).toMatch(
      /^554 5\.2\.252 SendAsDenied/,
    )
    await transportOf(await bearer(ROBIN, {}, SUPPORT)).sendMail({ ...MESSAGE, from: SUPPORT })
    expect(newest(SUPPORT, 'Sent Items')).toContain('Subject:')
    expect(await refusal(transportOf(await bearer(KIM)).sendMail({ ...MESSAGE, from: SUPPORT }))).toMatch(/5\.7\.60/)
  })

  it('refuses unknown local recipients, and says which', async () => {
    const transport = transportOf(await bearer())
    const info = await transport.sendMail({ ...MESSAGE, to: [KIM, 'nobody@contoso.example'] })
    expect(info.rejected).toEqual(['nobody@contoso.example'])
    expect(info.rejectedErrors?.[0].response).toMatch(/^550 5\.1\.1 <nobody@contoso\.example>/)
  })

  it('refuses what is too large, announced or not', async () => {
    const text = 'x'.repeat(LIMIT)
    const transport = transportOf(await bearer())
    expect(await refusal(transport.sendMail({ ...MESSAGE, text }))).toMatch(/552 5\.3\.4/)
    const raw = Buffer.from(`From: ${ROBIN}\r\n\r\n${text}`)
    const envelope = { from: ROBIN, to: [KIM], size: 10 }
    expect(await refusal(transport.sendMail({ raw, envelope }))).toMatch(/552 5\.3\.4/)
  })

  it('has its switches', async () => {
    const { smtp } = world
    world.oauth.setAccount(ROBIN, { smtpAuth: false })
    expect(await refusal(transportOf(await bearer()).verify())).toMatch(
      /535 5\.7\.139 .*SmtpClientAuthentication is disabled/,
    )
    world.oauth.setAccount(ROBIN, { smtpAuth: true })
    smtp!.settings.basicAuth = false
    expect(await refusal(transportOf(password()).verify())).toMatch(/550 5\.7\.30/)
    smtp!.settings.rewriteMessageId = true
    await transportOf(await bearer()).sendMail({ ...MESSAGE, messageId: '<mine@crm.example>' })
    expect(newest(KIM)).not.toContain('mine@crm.example')
    expect(newest(KIM)).toMatch(/^Message-ID: <[^>]+@simp100\.prod\.outlook\.example>/im)
    smtp!.settings.maxConnectionsPerMailbox = 1
    const first = transportOf(await bearer(), { pool: true })
    await first.sendMail(MESSAGE)
    expect(await refusal(transportOf(await bearer()).verify())).toMatch(/432 4\.3\.2/)
    first.close()
  })

  it('fails on demand, at every stage', async () => {
    const { smtp } = world
    const transport = transportOf(await bearer())
    const send = () => refusal(transport.sendMail(MESSAGE))
    smtp!.failNext({ stage: 'connect', reply: '421 4.3.2 Service not available' })
    expect(await send()).toMatch(/421/)
    smtp!.failNext({ stage: 'auth', reply: '454 4.7.0 Temporary authentication failure' })
    expect(await send()).toMatch(/454 4\.7\.0/)
    smtp!.failNext({ stage: 'mail', reply: '451 4.7.500 Server busy' })
    expect(await send()).toMatch(/451 4\.7\.500 Server busy/)
    smtp!.failNext({ stage: 'rcpt', address: KIM, reply: '550 5.4.1 Access denied' })
    expect(await send()).toMatch(/550 5\.4\.1/)
    const before = world.mailbox(KIM).get('INBOX')?.messages.length ?? 0
    smtp!.failNext({ stage: 'data', reply: '554 5.2.0 SubmissionQuotaExceeded' })
    expect(await send()).toMatch(/554 5\.2\.0/)
    smtp!.failNext({ stage: 'data', destroy: true })
    await send()
    expect(world.mailbox(KIM).get('INBOX')?.messages).toHaveLength(before)
    smtp!.failNext({ stage: 'accepted', destroy: true })
    await send()
    expect(world.mailbox(KIM).get('INBOX')?.messages).toHaveLength(before + 1)
    expect(() => smtp!.failNext({ stage: 'data', reply: 'nonsense' })).toThrow(TypeError)
  })

  it('lets apps use the mailboxes they were given', async () => {
    const form = {
      grant_type: 'client_credentials',
      client_id: world.client.id,
      client_secret: world.client.secret,
      scope: 'https://outlook.office365.com/.default',
    }
    const { tokenEndpoint } = world.oauth.endpointsFor('contoso.example')
    const { access_token: accessToken } = (await world.request(tokenEndpoint, { form })).json() as {
      access_token: string
    }
    await transportOf({ type: 'OAuth2', user: SUPPORT, accessToken }).sendMail({ ...MESSAGE, from: SUPPORT })
    expect(await refusal(transportOf({ type: 'OAuth2', user: ROBIN, accessToken }).verify())).toMatch(/535/)
  })

  it('takes Google tokens of Google accounts', async () => {
    const { user } = world.google.account
    await transportOf(await bearer(user)).sendMail({ ...MESSAGE, from: user })
    expect(newest(user, '[Gmail]/Sent Mail')).toContain('Subject:')
    expect(await refusal(transportOf(await bearer(user, {}, ROBIN)).verify())).toMatch(/535/)
  })
})

async function foreignToken() {
  const other = await startMailWorld({ seed: 0, imap: false, smtp: false })
  const token = await other.issueToken(ROBIN)
  await other.stop()
  return token
}
