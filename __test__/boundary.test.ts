import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import {
  buildMessage,
  ImapClient,
  MailError,
  microsoft,
  OAuthClient,
  OAuthProvider,
  parseMessage,
  setLogger,
  SmtpClient,
  TokenSource,
} from '../index'
import * as addon from '../index'
import { all, failing } from './failing'
import { startServer, type HostileServer } from './hostile/server'

const auth = { user: 'ada@contoso.example', accessToken: 'token' }

describe('errors are real', () => {
  test('instanceof, every field, and a stack that points here', async () => {
    const error = await failing(connectHere({ host: 'mail.invalid', port: 993, tls: 'implicit', auth }))
    expect(error.name).toBe('MailError')
    expect(error).toMatchObject({
      code: 'HOST_NOT_FOUND',
      category: 'network',
      action: 'fix-config',
      protocol: 'imap',
      scope: 'account',
      retryable: false,
      retryAfterMs: null,
      server: null,
      delivery: null,
    })
    expect(error.message).toContain('mail.invalid')
    expect(error.stack).toContain('connectHere')
    expect(error.stack).toContain('boundary.test.ts')
    expect(JSON.parse(JSON.stringify(error))).toMatchObject({ code: 'HOST_NOT_FOUND', message: error.message })
  })

  test('a refused port', async () => {
    const port = await closedPort()
    const error = await failing(ImapClient.connect({ host: '127.0.0.1', port, tls: 'implicit', auth }))
    expect(error).toMatchObject({ code: 'CONNECTION_REFUSED', category: 'network', protocol: 'imap' })
  })

  test('clear text to another machine is refused before any byte', async () => {
    const error = await failing(ImapClient.connect({ host: '192.0.2.1', port: 143, tls: 'none', auth }))
    expect(error).toMatchObject({ category: 'argument' })
  })

  test.each([
    ['no options', undefined],
    ['null', null],
    ['no host', { port: 993, tls: 'implicit', auth }],
    ['a number as host', { host: 5, port: 993, tls: 'implicit', auth }],
    ['port 0', { host: 'localhost', port: 0, tls: 'implicit', auth }],
    ['port 70000', { host: 'localhost', port: 70000, tls: 'implicit', auth }],
    ['an unknown tls mode', { host: 'localhost', port: 993, tls: 'maybe', auth }],
    ['no auth', { host: 'localhost', port: 993, tls: 'implicit' }],
    ['auth without a proof', { host: 'localhost', port: 993, tls: 'implicit', auth: { user: 'a' } }],
    [
      'a token that is a number',
      { host: 'localhost', port: 993, tls: 'implicit', auth: { user: 'a', accessToken: 5 } },
    ],
    ['CR LF in the host', { host: 'local\r\nhost', port: 993, tls: 'implicit', auth }],
    ['a ca that is no PEM', { host: 'localhost', port: 993, tls: 'implicit', auth, ca: 'nonsense' }],
    ['a proxy that is no URL', { host: 'localhost', port: 993, tls: 'implicit', auth, proxy: ':::' }],
    ['timeoutMs 0', { host: 'localhost', port: 993, tls: 'implicit', auth, timeoutMs: 0 }],
    ['timeoutMs NaN', { host: 'localhost', port: 993, tls: 'implicit', auth, timeoutMs: Number.NaN }],
    ['a signal that is none', { host: 'localhost', port: 993, tls: 'implicit', auth, signal: {} }],
  ])('bad options are a MailError: %s', async (_what, options) => {
    for (const connect of [ImapClient.connect, SmtpClient.connect]) {
      if (_what === 'no auth' && connect === SmtpClient.connect) continue
      const error = await failing(connect(options as never))
      expect(error).toMatchObject({ category: 'argument', action: 'fix-input', retryable: false })
      expect(error.stack).toContain('boundary.test.ts')
    }
  })

  test('synchronous functions throw, asynchronous ones reject', async () => {
    expect(() => microsoft({} as never)).toThrow(MailError)
    expect(() => new OAuthClient({} as never)).toThrow(MailError)
    expect(() => new (ImapClient as never as new () => unknown)()).toThrow(MailError)
    expect(() => new (OAuthProvider as never as new () => unknown)()).toThrow(MailError)
    expect(() => new (TokenSource as never as new () => unknown)()).toThrow(MailError)
    expect(() => setLogger('x' as never)).toThrow(MailError)
    for (const source of [undefined, null, 'text', 5, {}, new Float64Array(2)]) {
      expect(await failing(parseMessage(source as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
    }
    for (const message of [
      undefined,
      null,
      'text',
      { from: 5 },
      { from: 'a@b.example', date: new Date(Number.NaN) },
      { from: 'a@b.example', attachments: [{ content: () => 1 }] },
    ]) {
      expect(await failing(buildMessage(message as never))).toMatchObject({ category: 'argument' })
    }
  })

  describe('what is no object of fields asks for nothing, and nothing is sent', () => {
    let server: HostileServer
    let client: ImapClient
    beforeAll(async () => {
      server = await startServer({}, { key: '', cert: '' })
      client = await ImapClient.connect({ host: '127.0.0.1', port: server.port, tls: 'none', auth: password })
    })
    afterAll(async () => {
      client?.close()
      await server?.stop()
    })

    const password = { user: 'ada', password: 'secret' }
    const original = {} as addon.ParsedMessage
    const from = 'ada@contoso.example'

    test.each<[string, unknown]>([
      ['an empty array', []],
      ['an array', [true]],
      ['a Date', new Date()],
      ['bytes', Buffer.from('x')],
      ['a Map', new Map()],
      ['a promise that was not awaited', Promise.resolve({})],
      ['a function', () => ({})],
      ['a string', 'all'],
    ])('%s', async (_what, value) => {
      const given = value as never
      const before = server.commands.length
      const calls: Record<string, () => unknown> = {
        'query of search': () => client.search('INBOX', given),
        'nested query': () => client.search('INBOX', { or: [{ seen: true }, { not: given }] }),
        'query of fetch': () => client.fetch('INBOX', 5, given).next(),
        'query of pages': () => client.fetch('INBOX', 5, given).pages().next(),
        'query of fetchOne': () => client.fetchOne('INBOX', 5, given),
        'query of sync': () => client.sync('INBOX', null, { fetch: given }).next(),
        'options of a message': () => client.fetchOne('INBOX', 5, { message: given }),
        'options of list': () => client.list(given),
        'options of search': () => client.search('INBOX', { seen: true }, given),
        'options of fetch': () => client.fetch('INBOX', 5, { flags: true }, given).next(),
        'options of download': () => client.download('INBOX', 5, given).next(),
        'options of sync': () => client.sync('INBOX', null, given).next(),
        'options of watch': () => client.watch('INBOX', given).next(),
        'options of append': () => client.append('INBOX', Buffer.from('x'), given),
        'options of connect': () => ImapClient.connect(given),
        auth: () => ImapClient.connect({ host: '127.0.0.1', port: server.port, tls: 'none', auth: given }),
        limits: () =>
          ImapClient.connect({ host: '127.0.0.1', port: server.port, tls: 'none', auth: password, limits: given }),
        'options of microsoft': () => microsoft(given),
        'options of parseMessage': () => parseMessage(Buffer.from('x'), given),
        'limits of parseMessage': () => parseMessage(Buffer.from('x'), { limits: given }),
        sanitizeHtml: () => parseMessage(Buffer.from('x'), { sanitizeHtml: given }),
        message: () => buildMessage(given),
        attachment: () => buildMessage({ from, to: from, attachments: [given] }),
        'original of replyTo': () => addon.replyTo(given, { from }),
        'original of forward': () => addon.forward(given, { from, to: from }),
        'options of replyTo': () => addon.replyTo(original, given),
      }
      for (const [name, call] of Object.entries(calls)) {
        const error = await failing(async () => call())
        expect([name, error.category]).toEqual([name, 'argument'])
      }
      expect(server.commands.length).toBe(before)
      expect(server.connections).toBe(1)
    })
  })

  test.each<[string, () => Promise<unknown>, string]>([
    ['bytes', () => parseMessage('text' as never), 'source: wrong type, expected bytes (Uint8Array)'],
    ['an index of bytes', () => parseMessage(0 as never), 'source is a number, not bytes (Uint8Array)'],
    ['a time', () => buildMessage({ from: 'a@b.c', date: 5 as never }), 'message.date is a number, not a Date'],
    [
      'a Date elsewhere',
      () => buildMessage({ from: 'a@b.c', subject: new Date() as never }),
      'message.subject cannot be a Date',
    ],
    [
      'bytes elsewhere',
      () => parseMessage(new Uint8Array(), { limits: { maxDepth: new Uint8Array(9) as never } }),
      'options.limits.maxDepth cannot be bytes',
    ],
    ['an object', () => buildMessage('text' as never), 'message: wrong type, expected an object'],
    [
      'an array',
      () => buildMessage({ from: 'a@b.c', references: 'x' as never }),
      'message.references: wrong type, expected an array',
    ],
    [
      'a Date',
      () => buildMessage({ from: 'a@b.c', date: 'now' as never }),
      'message.date: wrong type, expected a Date',
    ],
    [
      'a number',
      () => parseMessage(new Uint8Array(), { limits: { maxDepth: 'x' as never } }),
      'options.limits.maxDepth: wrong type, expected a whole number from 0 to 4294967295',
    ],
    [
      'one of a few',
      () => parseMessage(new Uint8Array(), { attachments: 5 as never }),
      'options.attachments: wrong type, expected a string',
    ],
  ])('a message names JavaScript types, not those of Rust: %s', async (_what, call, message) => {
    expect((await failing(call())).message).toBe(message)
  })

  test('cyclic and deep values are refused, not followed', async () => {
    const cyclic: Record<string, unknown> = { from: 'a@b.example' }
    cyclic.headers = cyclic
    expect(await failing(buildMessage(cyclic as never))).toMatchObject({ code: 'INVALID_ARGUMENT' })
  })

  test('an empty message parses and says so', async () => {
    const message = await parseMessage(new Uint8Array())
    expect(message.defects.length).toBeGreaterThan(0)
    expect(message.attachments).toEqual([])
  })

  test('foreign names keep their keys', async () => {
    const { headers } = await parseMessage(Buffer.from('__proto__: a\r\nconstructor: b\r\nhasOwnProperty: c\r\n\r\nx'))
    expect(Object.getPrototypeOf(headers)).toBeNull()
    expect(headers).toMatchObject({ constructor: ['b'], hasownproperty: ['c'] })
    expect(headers['__proto__']).toEqual(['a'])
  })
})

describe('calls end when they are told to', () => {
  let silent: Server
  let port: number
  beforeAll(async () => {
    silent = createServer(() => {})
    port = await listening(silent)
  })
  afterAll(() => silent.close())

  const options = () => ({ host: '127.0.0.1', port, tls: 'none' as const, auth })

  test('timeoutMs against a silent server', async () => {
    const started = Date.now()
    for (const connect of [ImapClient.connect, SmtpClient.connect]) {
      const error = await failing(connect({ ...options(), timeoutMs: 200 }))
      expect(error).toMatchObject({ category: 'timeout', action: 'retry', retryable: true })
    }
    expect(Date.now() - started).toBeLessThan(5_000)
  })

  test('abort in mid-call, and the listener goes', async () => {
    const abort = new AbortController()
    const added = listeners(abort.signal)
    const call = failing(ImapClient.connect({ ...options(), signal: abort.signal }))
    setTimeout(() => abort.abort(), 50)
    expect(await call).toMatchObject({ code: 'ABORTED', category: 'aborted', action: 'none' })
    expect(added()).toBe(0)
  })

  test('the listener goes when a call settles by itself', async () => {
    const { signal } = new AbortController()
    const added = listeners(signal)
    await parseMessage(Buffer.from('Subject: x\r\n\r\ny'), { signal })
    await failing(ImapClient.connect({ ...options(), port: await closedPort(), signal }))
    expect(added()).toBe(0)
  })

  test('an already aborted signal', async () => {
    const signal = AbortSignal.abort()
    expect(await failing(parseMessage(Buffer.from('x'), { signal }))).toMatchObject({ code: 'ABORTED' })
    expect(await failing(SmtpClient.connect({ ...options(), signal }))).toMatchObject({ code: 'ABORTED' })
  })
})

describe('index.d.ts', () => {
  const types = readFileSync(join(__dirname, '..', 'index.d.ts'), 'utf8')
  const exported: Record<string, unknown> = addon

  test('declares what is there, and nothing else', () => {
    const declared = [...types.matchAll(/^export declare (?:function|class) (\w+)/gm)].map(([, name]) => name)
    const there = Object.keys(exported).filter((name) => name !== 'default')
    expect(there.sort()).toEqual([...new Set(declared)].sort())
  })

  test.each(['ImapClient', 'SmtpClient', 'OAuthClient', 'TokenSource'])(
    '%s has the declared methods, and no others',
    (name) => {
      const body = new RegExp(`export declare class ${name} \\{\\n([^]*?)\\n\\}`).exec(types)![1]
      const declared = [...body.matchAll(/^ {2}(?:static |readonly )?(\w+)[(:]/gm)].map(([, member]) => member)
      const made = exported[name] as { prototype: object }
      const members = [...Object.getOwnPropertyNames(made.prototype), ...Object.getOwnPropertyNames(made)]
      const own = members.filter((member) => !['length', 'name', 'prototype'].includes(member))
      const instance = name === 'OAuthClient' ? ['provider'] : []
      expect([...new Set([...own, ...instance])].filter((member) => member !== 'constructor').sort()).toEqual(
        [...new Set(declared)].filter((member) => member !== 'constructor').sort(),
      )
    },
  )
})

describe('setLogger', () => {
  test('gets lines, a throwing logger harms nobody, null ends it', async () => {
    const lines: unknown[] = []
    setLogger((entry) => {
      lines.push(entry)
      throw new Error('a logger that fails')
    })
    await failing(ImapClient.connect({ host: '127.0.0.1', port: await closedPort(), tls: 'implicit', auth }))
    await new Promise((resolve) => setTimeout(resolve, 100))
    setLogger(null)
    for (const line of lines)
      expect(line).toMatchObject({
        level: expect.any(String),
        target: expect.any(String),
        message: expect.any(String),
        fields: expect.any(Object),
      })
    await all((async function* () {})())
  })

  test.each([
    ['rejects', () => Promise.reject(new Error('the log store is down'))],
    ['answers what cannot even be asked for its `then`', () => Object.defineProperty({}, 'then', { get: broken })],
    ['answers what breaks when it is waited for', () => ({ then: broken })],
  ])('one that %s harms nobody either', async (_what, answer) => {
    const unhandled: unknown[] = []
    const note = (reason: unknown) => unhandled.push(reason)
    // Instead of the test runner's own, which would end the run.
    const others = process.listeners('unhandledRejection')
    process.removeAllListeners('unhandledRejection').on('unhandledRejection', note)
    let lines = 0
    setLogger(() => {
      lines += 1
      return answer()
    })
    const server = createServer((socket) => {
      socket.on('data', () => socket.write('250 ok\r\n')).on('error', () => {})
      socket.write('220 hello\r\n')
    })
    const smtp = await SmtpClient.connect({ host: '127.0.0.1', port: await listening(server), tls: 'none' })
    await new Promise((resolve) => setTimeout(resolve, 100))
    await smtp.close()
    server.close()
    setLogger(null)
    process.removeListener('unhandledRejection', note)
    for (const other of others) process.on('unhandledRejection', other)
    expect(lines).toBeGreaterThan(0)
    expect(unhandled).toEqual([])
  })
})

function broken(): never {
  throw new Error('broken')
}

async function connectHere(options: Parameters<typeof ImapClient.connect>[0]): Promise<ImapClient> {
  return await ImapClient.connect(options)
}

/** Counts the abort listeners that are still there. */
function listeners(signal: AbortSignal): () => number {
  let count = 0
  const { addEventListener, removeEventListener } = signal
  signal.addEventListener = function (this: AbortSignal, ...args: unknown[]) {
    count += 1
    return (addEventListener as (...args: unknown[]) => void).apply(this, args)
  } as never
  signal.removeEventListener = function (this: AbortSignal, ...args: unknown[]) {
    count -= 1
    return (removeEventListener as (...args: unknown[]) => void).apply(this, args)
  } as never
  return () => count
}

function listening(server: Server): Promise<number> {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port)))
}

async function closedPort(): Promise<number> {
  const server = createServer()
  const port = await listening(server)
  await new Promise((resolve) => server.close(resolve))
  return port
}
