import { connect } from 'node:net'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { simple, startPlain, USER } from './imap-support'

let world: Awaited<ReturnType<typeof startPlain>>

beforeEach(async () => {
  world = await startPlain({ personality: 'exchange' })
  for (const name of ['one', 'two', 'three']) world.account.deliver(simple(name))
})
afterEach(() => world.stop())

const OTHER = 'other@contoso.example'

describe('throttling', () => {
  it('names the time to wait, as often as told, for the commands told', async () => {
    world.server.faults.set({ throttle: { ms: 299961, commands: ['FETCH'], times: 2 } })
    const client = await world.raw()
    const refused = { status: 'NO', text: 'Request is throttled. Suggested Backoff Time: 299961 milliseconds' }
    expect(await client.command('FETCH 1 FLAGS')).toMatchObject(refused)
    expect((await client.command('NOOP')).status).toBe('OK')
    expect(await client.command('UID FETCH 1 FLAGS')).toMatchObject(refused)
    expect((await client.command('FETCH 1 FLAGS')).status).toBe('OK')
  })

  it('may end the connection, speak in codes, and meet one user only', async () => {
    world.server.faults.set({ throttle: { ms: 1000, status: 'BAD', bye: true } }, { user: USER })
    const other = await world.raw('select', OTHER)
    const client = await world.raw('login')
    expect((await client.command('SELECT INBOX')).status).toBe('BAD')
    expect(await client.response()).toBe('* BYE Connection is closed. 14')
    expect(await client.response()).toBeNull()
    expect((await other.command('NOOP')).status).toBe('OK')
    world.server.faults.set({ throttle: { ms: 1, code: 'THROTTLED' } })
    expect((await other.command('NOOP')).text).toMatch(/^\[THROTTLED\] /)
    world.server.faults.clear()
    expect((await other.command('NOOP')).status).toBe('OK')
  })

  it('"authenticated but not connected" comes to everything after login', async () => {
    world.server.faults.set({ notConnected: true })
    const client = await world.raw('login')
    expect(await client.command('LIST "" *')).toMatchObject({
      status: 'BAD',
      text: 'User is authenticated but not connected.',
    })
    expect((await client.command('LOGOUT')).status).toBe('OK')
  })

  it('refuses unknown faults', () => {
    expect(() => world.server.faults.set({ nonsense: true } as never)).toThrow(TypeError)
  })
})

describe('token_expiry', () => {
  it('at once, to an idle session and to a waiting one', async () => {
    const [waiting, idle, other] = [await world.raw(), await world.raw(), await world.raw('select', OTHER)]
    idle.write('i IDLE\r\n')
    await idle.response()
    world.server.expire({ user: USER })
    for (const client of [waiting, idle]) {
      expect(await client.response()).toBe('* BYE Session invalidated - AccessTokenExpired')
      expect(await client.response()).toBeNull()
    }
    expect((await other.command('NOOP')).status).toBe('OK')
  })

  it('in mid-FETCH, between two messages, once', async () => {
    world.server.faults.set({ expireAfterMessages: 2 })
    const client = await world.raw()
    const answer = await client.command('FETCH 1:* BODY.PEEK[]')
    expect(answer.untagged.map((line) => line.split(' ', 3).join(' '))).toEqual([
      '* 1 FETCH',
      '* 2 FETCH',
      '* BYE Session',
    ])
    expect(answer.status).toBe('CLOSED')
    const again = await world.raw()
    expect((await again.command('FETCH 1:* BODY.PEEK[]')).untagged).toHaveLength(3)
  })

  it('in mid-FETCH without a word', async () => {
    world.server.faults.set({ expireAfterMessages: 1, expireWithoutBye: true })
    const client = await world.raw()
    const answer = await client.command('FETCH 1:* BODY.PEEK[]')
    expect(answer).toMatchObject({ untagged: [expect.stringMatching(/^\* 1 FETCH/)], status: 'CLOSED' })
  })

  it('without a word', async () => {
    const client = await world.raw()
    world.server.expire({ bye: false })
    expect(await client.response()).toBeNull()
  })
})

describe('the wire', () => {
  it('cut after every number of bytes: exactly those arrive', async () => {
    const script = `a LOGIN ${USER} x\r\nb EXAMINE INBOX\r\nc FETCH 1:* BODY.PEEK[]\r\nd LOGOUT\r\n`
    const session = async () => {
      const socket = connect(world.server.port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(script)
      let received = ''
      for await (const chunk of socket.iterator()) received += chunk
      return received
    }
    const whole = await session()
    expect(whole).toContain('* 3 FETCH')
    for (let bytes = 1; bytes < whole.length; bytes += 7) {
      world.server.faults.set({ cutAfter: bytes })
      expect(await session()).toBe(whole.slice(0, bytes))
    }
  })

  it('half-open: no answer, no end', async () => {
    const client = await world.raw()
    world.server.faults.set({ halfOpen: true })
    const answer = client.command('NOOP')
    expect(await Promise.race([answer, new Promise((resolve) => setTimeout(resolve, 150, 'silence'))])).toBe('silence')
    expect(client.closed).toBe(false)
  })

  it('slow: in small pieces', async () => {
    const client = await world.raw()
    world.server.faults.set({ slow: { bytes: 64, ms: 10 } })
    const pieces: number[] = []
    client.socket.on('data', (chunk) => pieces.push(chunk.length))
    await client.ok('FETCH 1:* BODY.PEEK[]')
    expect(pieces.length).toBeGreaterThan(5)
    expect(Math.max(...pieces)).toBeLessThanOrEqual(256)
  })

  it('latency: one round trip for pipelined commands, and nothing overtakes', async () => {
    const client = await world.raw()
    world.server.faults.set({ latencyMs: 300 })
    const from = performance.now()
    client.write('a NOOP\r\nb NOOP\r\n')
    client.write('c NOOP\r\n')
    expect(
      [await client.response(), await client.response(), await client.response()].map((line) => line?.[0]),
    ).toEqual(['a', 'b', 'c'])
    const took = performance.now() - from
    expect(took).toBeGreaterThan(250)
    expect(took).toBeLessThan(850)
  })

  it('disconnect', async () => {
    const client = await world.raw()
    world.server.disconnect({ user: USER })
    expect(await client.response()).toBeNull()
  })
})

describe('lies', () => {
  it('a stub in place of the body', async () => {
    world.server.faults.set({ stubBodies: [2] })
    const client = await world.raw()
    const [one, two] = await client.ok('FETCH 1:2 (UID BODY.PEEK[])')
    expect(one).toContain('Subject: one')
    expect(two).toContain("The server couldn't retrieve the following message:")
    expect((await client.ok('FETCH 2 BODY.PEEK[HEADER]'))[0]).toContain('Subject: two')
  })

  it('OK to a FETCH without data, while HEADER and TEXT work (MailKit#1615)', async () => {
    world.server.faults.set({ emptyFetch: [2] })
    const client = await world.raw()
    expect(await client.ok('FETCH 1:3 (UID BODY.PEEK[])')).toHaveLength(2)
    expect(await client.ok('FETCH 2 (BODY.PEEK[HEADER] BODY.PEEK[TEXT])')).toHaveLength(1)
  })

  it('NO at a message whose body it cannot give, after those before it; the list of it works', async () => {
    world.server.faults.set({ refuseFetch: [2] })
    const client = await world.raw()
    const answer = await client.command('FETCH 1:3 (UID BODY.PEEK[])')
    expect(answer).toMatchObject({ status: 'NO', untagged: [expect.stringMatching(/^\* 1 FETCH/)] })
    expect(await client.ok('FETCH 1:3 (UID FLAGS ENVELOPE)')).toHaveLength(3)
    expect(await client.ok('FETCH 3 (UID BODY.PEEK[])')).toHaveLength(1)
  })

  it('the end of the connection at a message that it stumbles over', async () => {
    world.server.faults.set({ dropFetch: [2] })
    const client = await world.raw()
    const answer = await client.command('FETCH 1:3 (UID BODY.PEEK[])')
    expect(answer).toMatchObject({ status: 'CLOSED', untagged: [expect.stringMatching(/^\* 1 FETCH/)] })
  })

  it('a message twice', async () => {
    world.server.faults.set({ duplicateRows: [2] })
    const client = await world.raw()
    const rows = await client.ok('FETCH 1:3 (UID FLAGS)')
    expect(rows.map((row) => /UID (\d+)/.exec(row)?.[1])).toEqual(['1', '2', '2', '3'])
  })

  it('sizes, UIDNEXT, dates, structures, words', async () => {
    world.server.faults.set({
      sizeOffset: -7,
      uidNextOffset: 10,
      nilInternalDate: true,
      brokenStructure: [1],
      unknownWords: true,
      spacedAddresses: true,
    })
    const client = await world.raw()
    const size = simple('one').length
    const [word, line] = (await client.ok('STATUS INBOX (UIDNEXT)')).reverse()
    expect(word).toBe('* X-SIMULATED 42 ("a" (b NIL)) {3}\r\n\r\n)')
    expect(line).toBe('* STATUS Inbox (UIDNEXT 14)')
    const [fetched] = await client.ok('FETCH 1 (RFC822.SIZE INTERNALDATE BODYSTRUCTURE)')
    expect(fetched).toBe(
      `* 1 FETCH (BODYSTRUCTURE (NIL NIL NIL NIL NIL NIL NIL) INTERNALDATE NIL RFC822.SIZE ${size - 7})`,
    )
  })

  it('a mailbox built anew, even with a lower UIDVALIDITY', async () => {
    const client = await world.raw()
    const rebuilt = world.account.rebuild('INBOX', { uidValidity: 5 })
    client.send('NOOP')
    expect(await client.response()).toMatch(/^\* BYE /)
    expect(rebuilt.messages).toHaveLength(3)
    const again = await world.raw('login')
    expect(await again.ok('SELECT INBOX')).toContain('* OK [UIDVALIDITY 5] UIDVALIDITY value')
  })
})
