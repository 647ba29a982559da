import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { SmtpClient } from '../index'
import type { MailError, MessageInit, SendResult } from '../index'
import { failing } from './failing'
import { Recorder } from './recorder'

type Outcome = { index: number; result: SendResult | null; error: MailError | null }

const FROM = 'ada@contoso.example'
const open: SmtpClient[] = []
let server: Recorder

beforeEach(async () => {
  server = await Recorder.start()
})
afterEach(async () => {
  for (const client of open.splice(0)) await client.close()
  await server.stop()
})

async function connect(more = {}): Promise<SmtpClient> {
  const client = await server.connect(more)
  open.push(client)
  return client
}

function message(number: number, more: Partial<MessageInit> = {}): MessageInit {
  return { from: FROM, to: `r${number}@contoso.example`, subject: `Number ${number}`, text: 'x', ...more }
}

const messages = (count: number) => Array.from({ length: count }, (_, number) => message(number))

async function all(outcomes: AsyncIterable<Outcome>): Promise<Outcome[]> {
  const found: Outcome[] = []
  for await (const outcome of outcomes) found.push(outcome)
  return found
}

const codes = (outcomes: Outcome[]) => outcomes.map(({ index, error }) => [index, error?.code ?? null])
const sent = () => server.messages.map(({ to }) => to.join())

async function* later(items: MessageInit[], beforeEachOne: () => Promise<unknown> = async () => {}) {
  for (const item of items) {
    await beforeEachOne()
    yield item
  }
}

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

describe('round trips at 40 ms', () => {
  const COUNT = 20

  beforeEach(() => {
    server.options.roundTripMs = 40
  })

  test('send: two a message', async () => {
    const client = await connect()
    server.clear()
    for (const one of messages(COUNT)) await client.send(one)
    expect(server.messages).toHaveLength(COUNT)
    expect(server.flights / COUNT).toBeLessThanOrEqual(2.1)
  })

  test.each([
    ['an array', () => messages(COUNT)],
    [
      'a generator',
      () =>
        (function* () {
          yield* messages(COUNT)
        })(),
    ],
    ['an async generator', () => later(messages(COUNT))],
  ])('sendMany from %s: one a message', async (_what, given) => {
    const client = await connect()
    server.clear()
    const outcomes = await all(client.sendMany(given()))
    expect(codes(outcomes)).toEqual(messages(COUNT).map((_, index) => [index, null]))
    expect(sent()).toEqual(messages(COUNT).map(({ to }) => to))
    expect(server.connections).toBe(1)
    expect(server.flights / COUNT).toBeLessThanOrEqual(1.1)
  })

  test('a slow source costs no more than sending one by one, and nothing is lost', async () => {
    const client = await connect()
    server.clear()
    const outcomes = await all(client.sendMany(later(messages(5), () => wait(60))))
    expect(codes(outcomes).map(([, code]) => code)).toEqual([null, null, null, null, null])
    expect(server.flights).toBeLessThanOrEqual(10)
  })
})

describe('outcomes', () => {
  test('a refused or invalid message keeps its place and stops nothing', async () => {
    server.options.reply = (line) => (line.includes('r1@') ? '550 5.1.1 nobody' : undefined)
    const client = await connect()
    const items = [
      message(0),
      message(1),
      message(2, { subject: 'x\r\nBcc: evil@contoso.example' }),
      message(3, { text: (() => 'x') as unknown as string }),
      null as unknown as MessageInit,
      message(5, { attachments: [{ path: '/nowhere/gone.pdf' }] }),
      message(6),
    ]
    const outcomes = await all(client.sendMany(items))
    expect(codes(outcomes)).toEqual([
      [0, null],
      [1, 'RECIPIENT_REJECTED'],
      [2, 'INVALID_ARGUMENT'],
      [3, 'INVALID_ARGUMENT'],
      [4, 'INVALID_ARGUMENT'],
      [5, 'FILE_UNREADABLE'],
      [6, null],
    ])
    const deliveries = outcomes.map(({ error }) => error && error.delivery)
    expect(deliveries).toEqual([null, ...Array.from({ length: 5 }, () => 'not-sent'), null])
    expect(outcomes[1].error).toMatchObject({ name: 'MailError', server: { code: '5.1.1' } })
    expect(outcomes[1].error?.stack).toContain('send-many.test')
    expect(outcomes[3].error?.message).toContain('message.text')
    expect(outcomes[0].result).toMatchObject({ accepted: ['r0@contoso.example'], rejected: [] })
    expect(sent()).toEqual(['r0@contoso.example', 'r6@contoso.example'])
  })

  test('a cut after the final dot is unknown for that one alone, and it is not sent again', async () => {
    let dots = 0
    server.options.reply = (line) => (line === '.' && ++dots === 2 ? null : undefined)
    const client = await connect()
    const outcomes = await all(client.sendMany(messages(4)))
    expect(outcomes.map(({ error }) => error?.delivery ?? null)).toEqual([null, 'unknown', null, null])
    expect(sent()).toEqual(messages(4).map(({ to }) => to))
  })

  test('one token rotation does not fail a batch', async () => {
    const tokens = ['first', 'first', 'second']
    let refused = 0
    server.options.reply = (line, { connection }) => {
      if (connection > 0 && line.includes(xoauth2('first'))) {
        refused += 1
        return '535 5.7.3 Authentication unsuccessful'
      }
      return line === '.' && connection === 0 && server.messages.length === 2 ? '421 4.7.0 token expired' : undefined
    }
    const accessToken = async () => tokens.shift() ?? 'second'
    const client = await connect({ auth: { user: 'rotation@contoso.example', accessToken } })
    const outcomes = await all(client.sendMany(messages(5)))
    // The second was refused in so many words; all others went out, over a connection with the new token.
    expect(outcomes.map(({ error }) => error?.delivery ?? null)).toEqual([null, 'not-sent', null, null, null])
    expect(refused).toBe(1)
  })
})

function xoauth2(token: string): string {
  return Buffer.from(`user=rotation@contoso.example\x01auth=Bearer ${token}\x01\x01`).toString('base64')
}

describe('the source', () => {
  test('is pulled one ahead and no further', async () => {
    const client = await connect()
    let pulled = 0
    const source = (function* () {
      for (const one of messages(10)) {
        pulled += 1
        yield one
      }
    })()
    let told = 0
    for await (const { index } of client.sendMany(source)) {
      told = index + 1
      expect(pulled).toBeLessThanOrEqual(told + 1)
      await wait(5)
      expect(pulled).toBeLessThanOrEqual(told + 1)
    }
    expect([told, pulled]).toEqual([10, 10])
  })

  test('with an interval it is not pulled ahead', async () => {
    const client = await connect()
    let pulled = 0
    const source = later(messages(3), async () => {
      pulled += 1
    })
    const start = performance.now()
    for await (const { index } of client.sendMany(source, { intervalMs: 60 })) expect(pulled).toBe(index + 1)
    expect(performance.now() - start).toBeGreaterThanOrEqual(115)
    const [a, b, c] = server.messages.map(({ at }) => at)
    // Less a moment: timers of two processes.
    expect(Math.min(b - a, c - b)).toBeGreaterThan(55)
  })

  test('that throws: what came before is sent, then its own error comes', async () => {
    const client = await connect()
    const boom = new RangeError('the table is gone')
    for (const source of [
      (function* () {
        yield* messages(2)
        throw boom
      })(),
      (async function* () {
        yield* messages(2)
        throw boom
      })(),
    ]) {
      server.clear()
      const outcomes: Outcome[] = []
      const loop = async () => {
        for await (const outcome of client.sendMany(source)) outcomes.push(outcome)
      }
      await expect(loop()).rejects.toBe(boom)
      expect(codes(outcomes)).toEqual([
        [0, null],
        [1, null],
      ])
      expect(server.messages).toHaveLength(2)
    }
    await client.send(message(9))
  })

  test('is closed when the loop is left, and nothing more is sent', async () => {
    const client = await connect()
    let closed = false
    const source = (async function* () {
      try {
        yield* messages(10)
      } finally {
        await wait(1)
        closed = true
      }
    })()
    for await (const { index } of client.sendMany(source)) if (index === 1) break
    expect(closed).toBe(true)
    await client.send(message(99))
    expect(sent()).toEqual(['r0@contoso.example', 'r1@contoso.example', 'r99@contoso.example'])
  })

  test('may wait for what became of the message before', async () => {
    const client = await connect()
    const told: number[] = []
    const source = (async function* () {
      for (const [index, one] of messages(3).entries()) {
        while (told.length < index) await wait(1)
        yield one
      }
    })()
    for await (const { index } of client.sendMany(source)) told.push(index)
    expect(told).toEqual([0, 1, 2])
  })

  test('resumes by index', async () => {
    const client = await connect()
    const list = messages(6)
    let next = 0
    const abort = new AbortController()
    const error = await failing(async () => {
      for await (const { index } of client.sendMany(list, { signal: abort.signal })) {
        next = index + 1
        if (index === 2) abort.abort()
      }
    })
    expect([error.code, next]).toEqual(['ABORTED', 3])
    for await (const { index } of client.sendMany(list.slice(next))) expect(index).toBeLessThan(3)
    expect(sent()).toEqual(list.map(({ to }) => to))
  })

  test.each([
    ['null', null],
    ['a number', 7],
    ['a string', 'abc'],
    ['an object', {}],
  ])('%s is no iterable', async (_what, given) => {
    const client = await connect()
    expect(await failing(all(client.sendMany(given as never)))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test.each([-1, 1.5, NaN, '5', 2 ** 31])('an interval of %s is refused', async (intervalMs) => {
    const client = await connect()
    const error = await failing(all(client.sendMany(messages(1), { intervalMs: intervalMs as number })))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', category: 'argument' })
    expect(server.messages).toHaveLength(0)
  })
})

describe('interrupted', () => {
  test('an abort in the middle of a message gives its outcome first', async () => {
    const abort = new AbortController()
    server.options.reply = (line) => {
      if (line === '.' && server.messages.length === 2) {
        abort.abort()
        return null
      }
      return undefined
    }
    server.options.roundTripMs = 20
    const client = await connect()
    const outcomes: Outcome[] = []
    const error = await failing(async () => {
      for await (const outcome of client.sendMany(messages(4), { signal: abort.signal })) outcomes.push(outcome)
    })
    expect(error.code).toBe('ABORTED')
    expect(outcomes.map(({ error }) => error?.delivery ?? null)).toEqual([null, 'unknown'])
  })

  test('an abort does not wait for a source that hangs', async () => {
    const client = await connect()
    const abort = new AbortController()
    let pulled = 0
    const source = later(messages(2), () => (pulled++ === 0 ? Promise.resolve() : new Promise(() => {})))
    const loop = failing(all(client.sendMany(source, { signal: abort.signal })))
    while (server.messages.length === 0) await wait(5)
    setTimeout(() => abort.abort(), 20)
    expect((await loop).code).toBe('ABORTED')
  })

  test('aborted before it begins: nothing is pulled, nothing sent', async () => {
    const client = await connect()
    server.clear()
    const error = await failing(all(client.sendMany(messages(2), { signal: AbortSignal.abort() })))
    expect(error.code).toBe('ABORTED')
    expect(server.commands).toEqual([])
  })

  test('timeoutMs is the deadline of the whole', async () => {
    const client = await connect()
    const outcomes: Outcome[] = []
    const error = await failing(async () => {
      const options = { intervalMs: 100, timeoutMs: 250 }
      for await (const outcome of client.sendMany(messages(50), options)) outcomes.push(outcome)
    })
    expect(error.code).toBe('TIMEOUT')
    expect(outcomes.length).toBeGreaterThan(0)
    expect(outcomes.length).toBeLessThan(5)
  })

  test('closing the client ends it', async () => {
    const client = await connect()
    const error = await failing(async () => {
      for await (const { index } of client.sendMany(messages(5))) if (index === 1) await client.close()
    })
    expect(error.code).toBe('CLOSED')
    expect(server.messages).toHaveLength(2)
  })
})
