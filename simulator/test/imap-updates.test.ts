import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { simple, startPlain } from './imap-support'

let world: Awaited<ReturnType<typeof startPlain>>

beforeEach(async () => {
  world = await startPlain()
  for (const name of ['one', 'two', 'three', 'four']) world.account.deliver(simple(name))
})
afterEach(() => world.stop())

const inbox = () => world.account.get('INBOX')!

describe('news from others', () => {
  it('come at the end of a command: EXPUNGE, EXISTS, FETCH', async () => {
    const [a, b] = [await world.raw(), await world.raw()]
    await a.ok('STORE 2 +FLAGS (\\Deleted)')
    await a.ok('EXPUNGE')
    await a.ok('STORE 3 +FLAGS (\\Flagged)')
    world.account.deliver(simple('five'))
    expect(await b.ok('NOOP')).toEqual(['* 2 EXPUNGE', '* 4 EXISTS', '* 0 RECENT', '* 3 FETCH (FLAGS (\\Flagged))'])
    expect(await b.ok('NOOP')).toEqual([])
    expect(await b.ok('FETCH 1:* UID')).toEqual([1, 3, 4, 5].map((uid, index) => `* ${index + 1} FETCH (UID ${uid})`))
  })

  it('hold EXPUNGE back during FETCH, STORE and SEARCH by sequence number', async () => {
    const [a, b] = [await world.raw(), await world.raw()]
    await a.ok('STORE 1 +FLAGS (\\Deleted)')
    await a.ok('EXPUNGE')
    world.account.deliver(simple('five'))
    const fetch = await b.command('FETCH 1:2 UID')
    expect(fetch.untagged).toEqual(['* 2 FETCH (UID 2)', '* 5 EXISTS', '* 0 RECENT'])
    expect(fetch.text).toMatch(/^\[EXPUNGEISSUED\] /)
    expect((await b.command('SEARCH ALL')).untagged).toEqual(['* SEARCH 2 3 4 5'])
    expect((await b.command('STORE 1 +FLAGS (\\Seen)')).untagged).toEqual([])
    expect((await b.command('UID SEARCH ALL')).untagged).toEqual(['* SEARCH 2 3 4 5', '* 1 EXPUNGE'])
  })

  it('say nothing of a message that came and went in between', async () => {
    const client = await world.raw()
    world.account.remove(inbox(), [world.account.deliver(simple('short-lived'))])
    expect(await client.ok('NOOP')).toEqual([])
  })

  it('are not told about the own changes twice', async () => {
    const client = await world.raw()
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')).toEqual([])
    expect(await client.ok('NOOP')).toEqual([])
  })

  it('come at once in IDLE, in one burst', async () => {
    const [a, b] = [await world.raw(), await world.raw()]
    b.write('i IDLE\r\n')
    expect(await b.response()).toBe('+ idling')
    world.account.deliver(simple('five'))
    world.account.deliver(simple('six'))
    expect(await b.response()).toBe('* 6 EXISTS')
    expect(await b.response()).toBe('* 0 RECENT')
    await a.ok('STORE 1 +FLAGS (\\Seen)')
    expect(await b.response()).toBe('* 1 FETCH (FLAGS (\\Seen))')
    await a.ok('UID MOVE 2 Archive')
    expect(await b.response()).toBe('* 2 EXPUNGE')
    b.write('DONE\r\n')
    expect(await b.response()).toMatch(/^i OK /)
  })

  it('IDLE ends with anything but DONE as BAD', async () => {
    const client = await world.raw()
    client.write('i IDLE\r\n')
    await client.response()
    client.write('x NOOP\r\n')
    expect(await client.response()).toMatch(/^i BAD /)
  })

  it('the end of the mailbox is a BYE', async () => {
    const [a, b] = [await world.raw('login'), await world.raw('login')]
    await a.ok('CREATE X')
    await b.ok('SELECT X')
    await a.ok('DELETE X')
    b.send('NOOP')
    expect(await b.response()).toMatch(/^\* BYE /)
    expect(await b.response()).toBeNull()
    expect((await a.command('SELECT X')).status).toBe('NO')
  })

  it('a rename goes unnoticed', async () => {
    const [a, b] = [await world.raw('login'), await world.raw('login')]
    await a.ok('CREATE X')
    await b.ok('SELECT X')
    await a.ok('RENAME X Y')
    world.account.deliver(simple('new'), { mailbox: 'Y' })
    expect(await b.ok('NOOP')).toEqual(['* 1 EXISTS', '* 1 RECENT'])
  })

  it('show \\Recent to one session only', async () => {
    const [a, b] = [await world.raw('login'), await world.raw('login')]
    expect(await a.ok('EXAMINE INBOX')).toContain('* 4 RECENT')
    expect(await b.ok('SELECT INBOX')).toContain('* 4 RECENT')
    expect(await a.ok('EXAMINE INBOX')).toContain('* 0 RECENT')
  })
})

describe('CONDSTORE (RFC 7162)', () => {
  it('adds MODSEQ to news once it is on', async () => {
    const [a, b] = [await world.raw(), await world.raw('login')]
    await b.ok('SELECT INBOX (CONDSTORE)')
    await a.ok('STORE 1 +FLAGS (\\Seen)')
    expect(await b.ok('NOOP')).toEqual(['* 1 FETCH (FLAGS (\\Seen) MODSEQ (6))'])
    expect(await b.ok('UID STORE 2 +FLAGS.SILENT (\\Seen)')).toEqual(['* 2 FETCH (UID 2 MODSEQ (7))'])
  })

  it('fetches what changed since', async () => {
    const client = await world.raw()
    await client.ok('STORE 3 +FLAGS.SILENT (\\Seen)')
    expect(await client.ok('FETCH 1:* (FLAGS) (CHANGEDSINCE 4)')).toEqual([
      '* 3 FETCH (MODSEQ (6) FLAGS (\\Seen \\Recent))',
      '* 4 FETCH (MODSEQ (5) FLAGS (\\Recent))',
    ])
    expect(await client.ok('SEARCH MODSEQ 6')).toEqual(['* SEARCH 3 (MODSEQ 6)'])
    expect(await client.ok('STATUS INBOX (HIGHESTMODSEQ)')).toEqual(['* STATUS "INBOX" (HIGHESTMODSEQ 6)'])
  })

  it('stores only what is unchanged', async () => {
    const client = await world.raw()
    await client.ok('STORE 1 +FLAGS.SILENT (\\Seen)')
    const answer = await client.command('STORE 1:2 (UNCHANGEDSINCE 3) +FLAGS (\\Flagged)')
    expect(answer.text).toMatch(/^\[MODIFIED 1\] /)
    expect(answer.untagged).toEqual(['* 2 FETCH (FLAGS (\\Flagged \\Recent) MODSEQ (7))'])
    expect((await client.command('UID STORE 1:2 (UNCHANGEDSINCE 0) FLAGS ()')).text).toMatch(/^\[MODIFIED 1:2\] /)
  })
})

describe('QRESYNC (RFC 7162)', () => {
  it('tells at SELECT what changed and what vanished', async () => {
    const client = await world.raw('login')
    await client.ok('ENABLE QRESYNC')
    const { uidValidity, highestModseq } = inbox()
    world.account.changeFlags(inbox(), [inbox().messages[3]], 'add', ['\\Seen'])
    world.account.remove(inbox(), inbox().messages.slice(0, 2))
    const lines = await client.ok(`SELECT INBOX (QRESYNC (${uidValidity} ${highestModseq} 1:9 (1:4 1:4)))`)
    expect(lines.slice(-2)).toEqual([
      '* VANISHED (EARLIER) 1:2',
      '* 2 FETCH (UID 4 FLAGS (\\Seen \\Recent) MODSEQ (6))',
    ])
    expect(await client.ok(`SELECT INBOX (QRESYNC (${uidValidity + 1} 1))`)).not.toContain('* VANISHED (EARLIER) 1:2')
  })

  it('says VANISHED in place of EXPUNGE and tells UIDs', async () => {
    const [a, b] = [await world.raw(), await world.raw('login')]
    await b.ok('ENABLE QRESYNC')
    await b.ok('SELECT INBOX')
    await a.ok('STORE 1,3 +FLAGS (\\Deleted)')
    await a.ok('STORE 4 +FLAGS (\\Seen)')
    await a.ok('EXPUNGE')
    expect(await b.ok('NOOP')).toEqual(['* VANISHED 1,3', '* 2 FETCH (UID 4 FLAGS (\\Seen) MODSEQ (7))'])
    expect(await b.ok('UID FETCH 1:9 (FLAGS) (CHANGEDSINCE 7 VANISHED)')).toEqual(['* VANISHED (EARLIER) 1,3'])
    await b.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    expect(await b.command('EXPUNGE')).toMatchObject({
      untagged: ['* VANISHED 2'],
      text: expect.stringMatching(/^\[HIGHESTMODSEQ \d+\]/),
    })
  })

  it('has to be enabled first', async () => {
    const client = await world.raw('login')
    expect((await client.command('SELECT INBOX (QRESYNC (1 1))')).status).toBe('BAD')
  })
})
