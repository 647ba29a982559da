import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startMailWorld, type MailWorld, type SmtpFault } from '@nocobase/email-native-simulator'

import { SmtpClient } from '../index'
import { failing } from './failing'

/*
 * The connection is cut, or the server refuses, in every phase of the simulator's session: the outcome is true, nothing
 * is sent twice. The same at every octet: crates/smtp/tests/cuts.rs.
 */

type Stage = SmtpFault['stage']
const BEFORE: Stage[] = ['connect', 'ehlo', 'starttls', 'auth']
const TRANSACTION: Stage[] = ['mail', 'rcpt', 'data-command', 'body', 'data']

let world: MailWorld
let user: string
let to: string
let number = 0

beforeAll(async () => {
  world = await startMailWorld({ seed: 0, imap: false })
  user = world.accounts[0].user
  to = world.accounts[1].user
})
afterAll(() => world.stop())
beforeEach(() => world.smtp!.clearFaults())

async function connect(pool = {}): Promise<SmtpClient> {
  const accessToken = await world.issueToken(user)
  return SmtpClient.connect({ ...world.smtp!, ca: world.ca, proxy: null, auth: { user, accessToken }, pool })
}

/** A message, and how often it arrived. */
function message(stage?: Stage) {
  const subject = `Fault ${++number}`
  const arrived = () =>
    world
      .mailbox(to)
      .get('INBOX')!
      .messages.filter(({ content }) => content.raw.toString('latin1').includes(`Subject: ${subject}\r\n`)).length
  return { init: { from: user, to, subject, text: 'x', attachments: stage === 'body' ? [FILE] : [] }, arrived }
}

/** More than the sockets' buffers hold: else all of it may be under way when the middle of it is cut. */
const FILE = { filename: 'large.bin', content: Buffer.alloc(6_000_000, 7) }

describe('a fresh connection', () => {
  test.each([...BEFORE, ...TRANSACTION])('cut at %s: told, not sent', async (stage) => {
    const client = await connect({ maxMessagesPerConnection: 1 })
    await client.send(message().init)
    const { init, arrived } = message(stage)
    world.smtp!.failNext({ stage, destroy: true, afterBytes: 1000 })
    const error = await failing(client.send(init))
    // After the final dot nobody but the server knows.
    expect(error.delivery).toBe(stage === 'data' ? 'unknown' : 'not-sent')
    expect(error.category).toMatch(/network|tls/)
    expect(error.retryable).toBe(stage !== 'data')
    expect(arrived()).toBe(0)
    await client.close()
  })

  test.each([
    ['connect', '421 4.3.2 Service not available', 'SERVER_UNAVAILABLE'],
    ['ehlo', '421 4.3.2 Service not available', 'SERVER_UNAVAILABLE'],
    ['starttls', '454 4.7.0 TLS not available due to temporary reason', 'STARTTLS_UNAVAILABLE'],
    ['auth', '454 4.7.0 Temporary authentication failure', 'SERVER_UNAVAILABLE'],
    ['mail', '451 4.7.500 Server busy', 'SERVER_UNAVAILABLE'],
    ['rcpt', '550 5.4.1 Recipient address rejected: Access denied', 'RECIPIENT_REJECTED'],
    ['data-command', '451 4.3.0 later', 'SERVER_UNAVAILABLE'],
    ['body', '552 5.3.4 Message too big', 'MESSAGE_TOO_LARGE'],
    ['data', '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException', 'QUOTA_EXCEEDED'],
  ] as Array<[Stage, string, string]>)('refused at %s with %s: %s', async (stage, reply, code) => {
    const client = await connect({ maxMessagesPerConnection: 1 })
    await client.send(message().init)
    const { init, arrived } = message(stage)
    world.smtp!.failNext({ stage, reply, afterBytes: 1000 })
    const error = await failing(client.send(init))
    expect(error).toMatchObject({ code, delivery: 'not-sent', protocol: 'smtp' })
    expect(error.server?.status).toBe(reply.slice(0, 3))
    expect(arrived()).toBe(0)
    const again = message()
    await client.send(again.init)
    expect(again.arrived()).toBe(1)
    await client.close()
  })
})

describe('a kept connection', () => {
  test.each(TRANSACTION.filter((stage) => stage !== 'data'))(
    'cut at %s: sent over a fresh one, once',
    async (stage) => {
      const client = await connect()
      await client.send(message().init)
      const { init, arrived } = message(stage)
      world.smtp!.failNext({ stage, destroy: true, afterBytes: 1000 })
      await client.send(init)
      expect(arrived()).toBe(1)
      await client.close()
    },
  )

  test.each(['data', 'accepted'] as Stage[])(
    'cut at %s, after the final dot: unknown, never sent again',
    async (stage) => {
      const client = await connect()
      await client.send(message().init)
      const { init, arrived } = message()
      world.smtp!.failNext({ stage, destroy: true })
      const error = await failing(client.send(init))
      expect(error).toMatchObject({ code: 'CONNECTION_LOST', delivery: 'unknown', retryable: false })
      expect(error.message).toContain('may have taken the message')
      const next = message()
      await client.send(next.init)
      expect([arrived(), next.arrived()]).toEqual([stage === 'accepted' ? 1 : 0, 1])
      await client.close()
    },
  )

  test('cut after the reply: sent, and so is the next', async () => {
    const client = await connect()
    for (let i = 0; i < 5; i++) {
      const { init, arrived } = message()
      world.smtp!.failNext({ stage: 'replied' })
      await client.send(init)
      expect(arrived()).toBe(1)
    }
    await client.close()
  })

  test('an abort or a deadline after the final dot is unknown, too', async () => {
    const client = await connect()
    const abort = new AbortController()
    world.smtp!.failNext({ stage: 'accepted', delayMs: 2000, times: 2 })
    setTimeout(() => abort.abort(), 300)
    expect(await failing(client.send(message().init, { signal: abort.signal }))).toMatchObject({
      code: 'ABORTED',
      delivery: 'unknown',
      retryable: false,
    })
    expect(await failing(client.send(message().init, { timeoutMs: 300 }))).toMatchObject({
      code: 'TIMEOUT',
      delivery: 'unknown',
    })
    await client.close()
  })
})

describe("Microsoft's refusals say who has to act", () => {
  test.each([
    ['concurrentConnections', 'auth', 'RATE_LIMITED', 'rate-limit', 'retry', true],
    ['senderThreads', 'data', 'RATE_LIMITED', 'rate-limit', 'retry', true],
    ['authDisabled', 'auth', 'SMTP_AUTH_DISABLED', 'permission', 'ask-admin', false],
    ['wrongUser', 'auth', 'TOKEN_REFUSED', 'auth', 'reauthorize', false],
    ['sendAsDenied', 'mail', 'SENDER_DENIED', 'permission', 'ask-admin', false],
    ['basicAuth', 'auth', 'MECHANISM_UNAVAILABLE', 'auth', 'fix-config', false],
    ['quotaExceeded', 'data', 'QUOTA_EXCEEDED', 'quota', 'ask-admin', false],
    ['mailboxFull', 'data', 'QUOTA_EXCEEDED', 'quota', 'ask-admin', false],
  ] as const)('%s at %s: %s', async (name, stage, code, category, action, retryable) => {
    const client = await connect({ maxMessagesPerConnection: 1 })
    await client.send(message().init)
    const reply = world.smtp!.refusals[name]
    world.smtp!.failNext({ stage, reply })
    const error = await failing(client.send(message().init))
    expect(error).toMatchObject({ code, category, action, retryable, delivery: 'not-sent' })
    expect(error.server).toMatchObject({ status: reply.slice(0, 3), code: reply.split(' ')[1] })
    if (code === 'RATE_LIMITED') expect(error.retryAfterMs).toBeGreaterThan(0)
    await client.close()
  })
})
