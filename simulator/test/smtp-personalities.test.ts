import { connect } from 'node:tls'
import nodemailer from 'nodemailer'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { startMailWorld, type MailWorld, type SmtpFault, type SmtpOptions } from '@nocobase/email-native-simulator'

const ROBIN = 'robin.sample@contoso.example'
const KIM = 'kim.muster@contoso.example'
const MESSAGE = { from: ROBIN, to: KIM, subject: 'Hello', text: 'Hi' }

let world: MailWorld
const worlds: MailWorld[] = []

afterAll(() => Promise.all(worlds.map((one) => one.stop())))

async function start(smtp: SmtpOptions) {
  world = await startMailWorld({ seed: 0, imap: false, smtp })
  worlds.push(world)
  const { host, port } = world.smtp!
  const { password } = world.accounts.find(({ user }) => user === ROBIN)!
  return nodemailer.createTransport({
    host,
    port,
    requireTLS: true,
    tls: { ca: world.ca },
    auth: { user: ROBIN, pass: password as string },
  })
}

/** What the server offers behind TLS. */
async function offered(): Promise<string> {
  const { host, port } = world.smtps!
  const socket = connect({ host, port, ca: world.ca, servername: 'localhost' }).setEncoding('utf8')
  let heard = ''
  for await (const text of socket) {
    heard += text
    if (/^220 .*\r\n$/.test(heard)) socket.write('EHLO test\r\n')
    if (/^250 .*\r\n$/m.test(heard)) break
  }
  return heard
}

describe('personalities', () => {
  it.each([
    ['exchange', /SIZE 157286400/, /AUTH LOGIN XOAUTH2/],
    ['gmail', /SIZE 35882577/, /AUTH LOGIN PLAIN XOAUTH2/],
    ['strict', /8BITMIME/, /^(?!.*PIPELINING)/s],
    ['plain', /AUTH LOGIN/, /^(?!.*(PIPELINING|SIZE|8BITMIME|DSN|SMTPUTF8|ENHANCED))/s],
  ] as const)('%s offers what it should', async (personality, ...patterns) => {
    await start({ personality })
    const lines = await offered()
    for (const pattern of patterns) expect(lines).toMatch(pattern)
  })

  it('an unknown one is refused', async () => {
    await expect(start({ personality: 'sendmail' as never })).rejects.toThrow(TypeError)
  })

  it('exchange delays what is over the limit, and says 432 to a fourth connection', async () => {
    const transport = await start({ personality: 'exchange', messagesPerWindow: 2, windowMs: 700 })
    const begin = Date.now()
    for (let i = 0; i < 3; i++) await transport.sendMail(MESSAGE)
    expect(Date.now() - begin).toBeGreaterThanOrEqual(690)
    expect(world.smtp!.statistics.messages.map(({ user }) => user)).toEqual([ROBIN, ROBIN, ROBIN])
    expect(world.smtp!.statistics.most(ROBIN)).toBe(1)
    world.smtp!.settings.maxConnectionsPerMailbox = 0
    await expect(transport.sendMail(MESSAGE)).rejects.toThrow('432 4.3.2')
  })

  it('gmail has its own words', async () => {
    const transport = await start({ personality: 'gmail' })
    expect((await transport.sendMail(MESSAGE)).response).toMatch(/^250 2\.0\.0 OK .* - gsmtp$/)
    await expect(transport.sendMail({ ...MESSAGE, to: 'nobody@contoso.example' })).rejects.toThrow(/5\.1\.1 The email/)
  })

  it('strict takes nothing that is not proper', async () => {
    const transport = await start({ personality: 'strict' })
    await transport.sendMail(MESSAGE)
    const envelope = { from: ROBIN, to: [KIM] }
    for (const body of [`${'x'.repeat(999)}\r\n`, 'a\0b\r\n', 'grün\r\n']) {
      const raw = `From: ${ROBIN}\r\n\r\n${body}`
      await expect(transport.sendMail({ envelope, raw }), JSON.stringify(body)).rejects.toThrow('5.6.0')
    }
  })
})

describe('faults', () => {
  let transport: Awaited<ReturnType<typeof start>>
  const inbox = () => world.mailbox(KIM).get('INBOX')!.messages.length

  beforeAll(async () => {
    transport = await start({})
  })

  it.each([
    ['connect', '421 4.3.2 later'],
    ['ehlo', '421 4.3.2 later'],
    ['starttls', '454 4.7.0 TLS not available'],
    ['auth', '454 4.7.0 later'],
    ['mail', '451 4.7.500 Server busy'],
    ['rcpt', '452 4.5.3 too many'],
    ['data-command', '451 4.3.0 later'],
    ['body', '552 5.3.4 too big'],
    ['data', '554 5.2.0 no'],
  ] as Array<[SmtpFault['stage'], string]>)(
    '%s: the reply in its place, or a cut; then all is well',
    async (stage, reply) => {
      const before = inbox()
      world.smtp!.failNext({ stage, reply })
      await expect(transport.sendMail(MESSAGE)).rejects.toThrow(reply.slice(0, 3))
      world.smtp!.failNext({ stage, destroy: true })
      await expect(transport.sendMail(MESSAGE)).rejects.toThrow()
      expect(inbox()).toBe(before)
      await transport.sendMail(MESSAGE)
      expect(inbox()).toBe(before + 1)
    },
  )

  it('after the reply the client has it', async () => {
    world.smtp!.failNext({ stage: 'replied' })
    expect((await transport.sendMail(MESSAGE)).response).toMatch(/^250/)
  })

  it('an unknown stage is refused', async () => {
    expect(() => world.smtp!.failNext({ stage: 'nowhere' as never })).toThrow(TypeError)
  })

  it("Microsoft's own refusals are at hand", async () => {
    for (const [name, reply] of Object.entries(world.smtp!.refusals)) {
      world.smtp!.failNext({ stage: 'data', reply })
      await expect(transport.sendMail(MESSAGE), name).rejects.toThrow(reply.slice(0, 9))
    }
  })
})
