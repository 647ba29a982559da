import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient, SmtpClient } from '../index'
import { failing } from './failing'
import { startServer, type HostileServer } from './hostile/server'
import { Recorder } from './recorder'

// Leaving an iterator from outside, while its `next` waits for a server that says nothing.

const auth = { user: 'ada@contoso.example', password: 'secret' }
const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
const silence = () => {}

/** Far less than any deadline below, far more than a busy machine takes. */
const AT_ONCE_MS = 5_000

/** Resolves with what `work` gives, unless it hangs. */
async function soon<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), AT_ONCE_MS)
  })
  return Promise.race([work, late]).finally(() => clearTimeout(timer))
}

describe('an iterator whose next is pending', () => {
  let server: HostileServer
  let client: ImapClient
  const connect = () => ImapClient.connect({ host: '127.0.0.1', port: server.port, tls: 'none', auth })

  beforeAll(async () => {
    const says = { 'UID FETCH': silence, 'UID SEARCH': silence, IDLE: '+ idling\r\n' }
    server = await startServer({ capabilities: 'IMAP4rev1 IDLE', connections: 100, says }, { key: '', cert: '' })
    client = await connect()
  })
  afterAll(async () => {
    client?.close()
    await server?.stop()
  })

  const streams: Record<string, (client: ImapClient) => AsyncIterableIterator<unknown>> = {
    watch: (client) => client.watch('INBOX'),
    fetch: (client) => client.fetch('INBOX', '1:*', { flags: true }, { timeoutMs: 60_000 }),
    pages: (client) => client.fetch('INBOX', '1:*', { flags: true }, { timeoutMs: 60_000 }).pages(),
    download: (client) => client.download('INBOX', 5, { timeoutMs: 60_000 }),
    sync: (client) => client.sync('INBOX', null, { timeoutMs: 60_000 }),
  }

  test.each(Object.entries(streams))('%s: return does not hang behind it, and the work ends', async (_name, open) => {
    const own = await connect()
    const iterator = open(own)
    const pending = [iterator.next(), iterator.next()]
    await wait(100)
    expect(await soon(iterator.return!('left'))).toEqual({ done: true, value: 'left' })
    expect(await soon(Promise.all(pending))).toEqual([
      { done: true, value: undefined },
      { done: true, value: undefined },
    ])
    expect(await iterator.next()).toEqual({ done: true, value: undefined })
    // The one connection is free again: nothing waits behind work that nobody wants.
    expect(await soon(own.status('INBOX'))).toMatchObject({ messages: 3 })
    own.close()
  })

  test.each(Object.entries(streams))('%s: throw does not hang behind it, and keeps its error', async (_name, open) => {
    const iterator = open(client)
    const pending = iterator.next()
    await wait(100)
    const boom = new RangeError('enough')
    await expect(soon(iterator.throw!(boom))).rejects.toBe(boom)
    expect(await soon(pending)).toEqual({ done: true, value: undefined })
  })

  test.each(Object.entries(streams))('%s: return before the first next does nothing', async (_name, open) => {
    const iterator = open(client)
    expect(await soon(iterator.return!())).toEqual({ done: true, value: undefined })
    expect(await soon(iterator.next())).toEqual({ done: true, value: undefined })
  })
})

describe('sendMany whose next is pending', () => {
  let server: Recorder
  let client: SmtpClient

  beforeAll(async () => {
    server = await Recorder.start()
    client = await server.connect({})
  })
  afterAll(async () => {
    await client?.close()
    await server?.stop()
  })

  test('return does not hang behind a source that does, and nothing is sent any more', async () => {
    const { promise: never, release } = gate()
    let closed = false
    const source = (async function* () {
      try {
        yield { from: 'ada@contoso.example', to: 'ben@contoso.example', text: 'x' }
        await never
        yield { from: 'ada@contoso.example', to: 'eve@contoso.example', text: 'x' }
      } finally {
        closed = true
      }
    })()
    const outcomes = client.sendMany(source)
    expect(await outcomes.next()).toMatchObject({ value: { index: 0, error: null } })
    const pending = outcomes.next()
    await wait(100)
    expect(await soon(outcomes.return!())).toMatchObject({ done: true })
    expect(await soon(pending)).toEqual({ done: true, value: undefined })
    release()
    await wait(100)
    expect([closed, server.messages.length]).toEqual([true, 1])
  })
})

function gate() {
  let release = () => {}
  const promise = new Promise<void>((resolve) => (release = resolve))
  return { promise, release }
}

describe('watch on a client that is closed', () => {
  let server: HostileServer
  const connect = () => ImapClient.connect({ host: '127.0.0.1', port: server.port, tls: 'none', auth })

  beforeAll(async () => {
    const says = { IDLE: '+ idling\r\n' }
    server = await startServer({ capabilities: 'IMAP4rev1 IDLE', connections: 100, says }, { key: '', cert: '' })
  })
  afterAll(() => server?.stop())

  test.each([
    ['close', (client: ImapClient) => client.close()],
    ['logout', (client: ImapClient) => client.logout()],
  ])('rejects after %s, as every call does, and ends quietly when it comes under way', async (_name, close) => {
    const client = await connect()
    const watching = client.watch('INBOX').next()
    await wait(100)
    await close(client)
    expect(await soon(watching)).toEqual({ done: true, value: undefined })
    expect(await failing(client.watch('INBOX').next())).toMatchObject({ code: 'CLOSED' })
  })
})
