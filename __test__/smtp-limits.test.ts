import { spawnSync } from 'node:child_process'
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { startMailWorld, type MailWorld } from '@nocobase/email-native-simulator'

import { SmtpClient } from '../index'
import type { SmtpOptions } from '../index'
import { failing } from './failing'
import { Recorder } from './recorder'

describe("Microsoft's limits, measured at the server", () => {
  const CALLERS = 50
  /** Come first: five more than one window holds. */
  const FIRST = 25
  const WINDOW = 3000
  const PER_WINDOW = 20
  let world: MailWorld
  let user: string

  beforeAll(async () => {
    const smtp = { personality: 'exchange', messagesPerWindow: PER_WINDOW, windowMs: WINDOW } as const
    world = await startMailWorld({ seed: 0, imap: false, smtp })
    user = world.accounts[0].user
  })
  afterAll(() => world.stop())

  async function connect(more: Partial<SmtpOptions> = {}): Promise<SmtpClient> {
    const auth = { user, accessToken: await world.issueToken(user) }
    return SmtpClient.connect({ ...world.smtp!, ca: world.ca, proxy: null, auth, pool: { maxConnections: 3 }, ...more })
  }

  test('50 callers on two clients of one mailbox: kept, without one refusal, and fair', async () => {
    // A window of our own is a little longer: the server's clock begins when a message reaches it.
    const rateLimit = { messages: PER_WINDOW, perMs: WINDOW + 300 }
    const clients = [await connect({ rateLimit }), await connect({ rateLimit })]
    world.smtp!.statistics.clear()
    const order: number[] = []
    const to = world.accounts[1].user
    const started = Date.now()
    const send = async (caller: number) => {
      await clients[caller % 2].send({ from: user, to, subject: `Caller ${caller}`, text: 'x' })
      order.push(caller)
    }
    const callers = Array.from({ length: CALLERS }, (_, caller) => caller)
    const first = callers.slice(0, FIRST).map(send)
    // The others come when the window is full and only the last five wait, not after a time: whose connections are kept
    // busy by callers of their own need not hand them over, and on a slow machine that is what would be seen.
    await vi.waitFor(() => expect(order.length).toBeGreaterThanOrEqual(PER_WINDOW), { timeout: 3 * WINDOW })
    await new Promise((resolve) => setTimeout(resolve, WINDOW / 6))
    await Promise.all([...first, ...callers.slice(FIRST).map(send)])
    expect(order).toHaveLength(CALLERS)
    expect(world.smtp!.statistics.most(user)).toBeLessThanOrEqual(3)
    const times = world.smtp!.statistics.messages.map(({ at }) => at)
    expect(times).toHaveLength(CALLERS)
    for (const at of times) {
      expect(times.filter((other) => other >= at && other < at + WINDOW).length).toBeLessThanOrEqual(PER_WINDOW)
    }
    // Fifty at twenty a window: two windows have to pass, and no third.
    expect(Date.now() - started).toBeGreaterThanOrEqual(2 * WINDOW)
    // First come, first served: the five that the first window had no room for come before most of the later ones.
    // Not before each: whose connection is still being opened is overtaken by those that have one.
    expect(order.slice(0, 2 * PER_WINDOW).filter((caller) => caller < FIRST)).toHaveLength(FIRST)
    // No client starves.
    for (const parity of [0, 1]) {
      expect(order.slice(0, PER_WINDOW).filter((caller) => caller % 2 === parity).length).toBeGreaterThan(
        PER_WINDOW / 10,
      )
    }
    await Promise.all(clients.map((client) => client.close()))
  })

  test('who cannot wait is told at once, and for how long', async () => {
    const rateLimit = { messages: 1, perMs: 60_000 }
    const recorder = await Recorder.start()
    const auth = { user: 'impatient@contoso.example', password: 'x' }
    const [client, other] = [await recorder.connect({ auth, rateLimit }), await recorder.connect({ auth, rateLimit })]
    const message = { from: user, to: user, text: 'x' }
    await client.send(message)
    const before = Date.now()
    // The same mailbox by another client: the same account.
    const error = await failing(other.send(message, { timeoutMs: 20_000 }))
    expect(Date.now() - before).toBeLessThan(5000)
    expect(error).toMatchObject({ code: 'RATE_LIMITED', category: 'rate-limit', action: 'retry', delivery: 'not-sent' })
    expect(error.retryAfterMs).toBeGreaterThan(50_000)
    expect(error.retryAfterMs).toBeLessThanOrEqual(60_000)
    expect(recorder.messages).toHaveLength(1)
    // Another mailbox is another matter.
    const third = await recorder.connect({ auth: { ...auth, user: 'patient@contoso.example' }, rateLimit })
    await third.send(message)
    await Promise.all([client, other, third].map((one) => one.close()))
    await recorder.stop()
  })

  test('waiting can be aborted, and makes room', async () => {
    const recorder = await Recorder.start()
    const auth = { user: 'leaver@contoso.example', password: 'x' }
    const client = await recorder.connect({ auth, rateLimit: { messages: 1, perMs: 3000 } })
    const message = { from: user, to: user, text: 'x' }
    await client.send(message)
    const abort = new AbortController()
    const waiting = failing(client.send(message, { signal: abort.signal }))
    const behind = client.send({ ...message, subject: 'behind' })
    setTimeout(() => abort.abort(), 50)
    expect(await waiting).toMatchObject({ code: 'ABORTED', delivery: 'not-sent' })
    await behind
    expect(recorder.messages).toHaveLength(2)
    const [first, second] = recorder.messages.map(({ at }) => at)
    expect(second - first).toBeGreaterThan(2700)
    expect(second - first).toBeLessThan(5900)
    await client.close()
    await recorder.stop()
  })

  test('432 pauses the mailbox and says for how long', async () => {
    const client = await connect({ pool: { maxMessagesPerConnection: 1 }, rateLimit: { messages: 1000, perMs: 1000 } })
    const message = { from: user, to: user, text: 'x' }
    await client.send(message)
    world.smtp!.failNext({ stage: 'auth', reply: world.smtp!.refusals.concurrentConnections })
    const error = await failing(client.send(message))
    expect(error).toMatchObject({
      code: 'RATE_LIMITED',
      delivery: 'not-sent',
      server: { status: '432', code: '4.3.2' },
    })
    const pause = error.retryAfterMs!
    expect(pause).toBeGreaterThanOrEqual(1000)
    const soon = await failing(client.send(message, { timeoutMs: 500 }))
    expect(soon.code).toBe('RATE_LIMITED')
    expect(soon.retryAfterMs).toBeLessThanOrEqual(pause)
    await client.close()
  })
})

describe('memory', () => {
  const SIZE = 25_000_000
  let dir: string

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'email-native-memory-'))
    const file = openSync(join(dir, 'large.bin'), 'w')
    ftruncateSync(file, SIZE)
    closeSync(file)
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  // In a process of its own, with a sink beside it that keeps nothing.
  test.each([
    ['path', 1],
    ['path', 5],
    ['buffer', 2],
    ['raw', 2],
  ])('25 MB from %s, %i at once: at most 8 MB', (source, connections) => {
    const program = join(__dirname, 'programs', 'memory.cjs')
    const args = [program, source, String(connections), join(dir, 'large.bin')]
    const { stdout, stderr, status } = spawnSync(process.execPath, args, { encoding: 'utf8', timeout: 60_000 })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    const { grown, taken } = JSON.parse(stdout) as { grown: number; taken: number }
    expect(taken).toBeGreaterThan(connections * SIZE)
    expect(grown / 1e6).toBeLessThanOrEqual(8)
  })
})
