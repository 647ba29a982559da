import { once } from 'node:events'
import tls from 'node:tls'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createAuthority } from '../tls/authority.js'
import { mail, Raw, simple, startPlain } from './imap-support'

let world: Awaited<ReturnType<typeof startPlain>>

beforeEach(async () => {
  world = await startPlain()
})
afterEach(() => world.stop())

describe('connection and syntax', () => {
  it('greets with capabilities and repeats them on request', async () => {
    const client = await world.raw('greeting')
    expect(client.greeting).toMatch(/^\* OK \[CAPABILITY IMAP4rev1 .*AUTH=XOAUTH2.*\] /)
    const [line] = await client.ok('CAPABILITY')
    expect(line).toMatch(/^\* CAPABILITY IMAP4rev1 /)
    expect(line).not.toContain('MOVE')
    await client.ok('LOGIN a@b.example x')
    expect((await client.ok('CAPABILITY'))[0]).toContain(' MOVE')
  })

  it('answers pipelined commands in order', async () => {
    const client = await world.raw('greeting')
    client.write('a1 LOGIN a@b.example x\r\na2 SELECT INBOX\r\na3 NOOP\r\na4 STATUS INBOX (MESSAGES)\r\na5 LOGOUT\r\n')
    const tags: string[] = []
    for (let line = await client.response(); line !== null; line = await client.response()) {
      if (!line.startsWith('*')) tags.push(line.split(' ')[0])
    }
    expect(tags).toEqual(['a1', 'a2', 'a3', 'a4', 'a5'])
  })

  it('takes synchronizing and non-synchronizing literals anywhere', async () => {
    const client = await world.raw('greeting')
    expect((await client.command('LOGIN {11}', 'a@b.example {1}\r\n', 'x')).status).toBe('OK')
    client.write('z CREATE {3+}\r\nAbc\r\n')
    expect(await client.response()).toMatch(/^z OK /)
    expect(await client.ok('LIST "" {3+}\r\nAbc')).toEqual(['* LIST (\\HasNoChildren) "/" "Abc"'])
  })

  it('refuses what does not fit, and goes on', async () => {
    const client = await world.raw('select')
    for (const command of [
      'FROBNICATE',
      'SELECT',
      'FETCH 1',
      'FETCH 0 FLAGS',
      'FETCH 1:x FLAGS',
      'STORE 1 FLAGS',
      'NOOP x',
      'UID NOOP',
      'SEARCH',
      'SEARCH (ALL',
      'FETCH 1 BODY[HEADER.FIELDS ()]',
      'LIST ""',
    ]) {
      expect((await client.command(command)).status, command).toBe('BAD')
    }
    client.write(' no tag\r\n')
    expect(await client.response()).toMatch(/^\* BAD /)
    expect((await client.command('NOOP')).status).toBe('OK')
  })

  it('knows its states', async () => {
    const client = await world.raw('greeting')
    expect((await client.command('SELECT INBOX')).status).toBe('BAD')
    expect((await client.command('FETCH 1 FLAGS')).status).toBe('BAD')
    await client.ok('LOGIN a@b.example x')
    expect((await client.command('LOGIN a@b.example x')).status).toBe('BAD')
    expect((await client.command('FETCH 1 FLAGS')).status).toBe('BAD')
    await client.ok('SELECT INBOX')
    await client.ok('UNSELECT')
    expect((await client.command('EXPUNGE')).status).toBe('BAD')
  })

  it('ends a line without end, and parentheses without end, without harm', async () => {
    const client = await world.raw('select')
    expect((await client.command(`SEARCH ${'('.repeat(60_000)}`)).status).toBe('BAD')
    expect((await client.command(`SEARCH ${'NOT '.repeat(10_000)}ALL`)).status).toBe('BAD')
    client.write('x'.repeat(3 * 1024 * 1024))
    expect(await client.response()).toMatch(/^\* BYE /)
    expect(await client.response()).toBeNull()
  })

  it('says goodbye', async () => {
    const client = await world.raw('select')
    const answer = await client.command('LOGOUT')
    expect(answer.untagged[0]).toMatch(/^\* BYE /)
    expect(answer.status).toBe('OK')
    expect(await client.response()).toBeNull()
  })
})

describe('ID, ENABLE, NAMESPACE, QUOTA', () => {
  it('answers ID with and without parameters', async () => {
    const client = await world.raw('greeting')
    expect((await client.ok('ID ("name" "test" "version" NIL)'))[0]).toMatch(/^\* ID \("name" /)
    expect((await client.ok('ID NIL'))[0]).toMatch(/^\* ID /)
    expect((await client.command('ID (name)')).status).toBe('BAD')
  })

  it('enables what it knows', async () => {
    const client = await world.raw('login')
    expect(await client.ok('ENABLE CONDSTORE X-UNKNOWN UTF8=ACCEPT')).toEqual(['* ENABLED CONDSTORE UTF8=ACCEPT'])
    expect(await client.ok('LIST "" "請求書"'.replace('請求書', Buffer.from('請求書').toString('latin1')))).toEqual([
      `* LIST (\\HasNoChildren) "/" "${Buffer.from('請求書').toString('latin1')}"`,
    ])
  })

  it('has one personal namespace', async () => {
    const client = await world.raw('login')
    expect(await client.ok('NAMESPACE')).toEqual(['* NAMESPACE (("" "/")) NIL NIL'])
  })

  it('tells and holds a quota', async () => {
    world.account.quota = 4096
    world.account.deliver(simple('one', 'x'.repeat(2000)))
    const client = await world.raw('select')
    const [root, quota] = await client.ok('GETQUOTAROOT INBOX')
    expect(root).toBe('* QUOTAROOT "INBOX" ""')
    expect(quota).toMatch(/^\* QUOTA "" \(STORAGE 3 4\)$/)
    const big = simple('two', 'x'.repeat(3000))
    const answer = await client.command(`APPEND INBOX {${big.length}}`, big)
    expect(answer).toMatchObject({ status: 'NO', text: expect.stringContaining('[OVERQUOTA]') })
  })
})

describe('mailboxes', () => {
  const names = (lines: string[]) => lines.map((line) => /"\/" (.*)$/.exec(line)?.[1])

  it('lists by pattern, in modified UTF-7, with special uses', async () => {
    const client = await world.raw('login')
    await client.ok('CREATE "Work/Deep/Deeper"')
    const all = await client.ok('LIST "" "*"')
    expect(names(all)).toContain('"&istsQmb4-"')
    expect(names(all)).toContain('"R&-D"')
    expect(all).toContain('* LIST (\\HasNoChildren \\Sent) "/" "Sent Items"')
    expect(names(await client.ok('LIST "" "%"'))).not.toContain('"Work/Deep"')
    expect(names(await client.ok('LIST "" "Work/%"'))).toEqual(['"Work/Deep"'])
    expect(names(await client.ok('LIST "Work/" "*"'))).toEqual(['"Work/Deep"', '"Work/Deep/Deeper"'])
    expect(names(await client.ok('LIST "" inbox'))).toEqual(['"INBOX"'])
    expect(await client.ok('LIST "" ""')).toEqual(['* LIST (\\Noselect) "/" ""'])
    expect(names(await client.ok('LIST "" ("Sent*" "Draf%")'))).toEqual(['"Drafts"', '"Sent Items"'])
  })

  it('gives status with a list in one command (LIST-STATUS)', async () => {
    world.account.deliver(simple('one'))
    const client = await world.raw('login')
    const lines = await client.ok(
      'LIST (SPECIAL-USE) "" "*" RETURN (SUBSCRIBED CHILDREN STATUS (MESSAGES UIDNEXT SIZE))',
    )
    expect(lines.filter((line) => line.startsWith('* LIST'))).toHaveLength(5)
    expect(lines).toContain('* STATUS "Drafts" (MESSAGES 0 UIDNEXT 1 SIZE 0)')
    expect(lines[0]).toContain('\\Subscribed')
    const size = simple('one').length
    expect(await client.ok('STATUS INBOX (MESSAGES UNSEEN SIZE RECENT UIDVALIDITY HIGHESTMODSEQ)')).toEqual([
      `* STATUS "INBOX" (MESSAGES 1 UNSEEN 1 SIZE ${size} RECENT 1 UIDVALIDITY 1700000001 HIGHESTMODSEQ 2)`,
    ])
  })

  it('creates, renames and deletes with children', async () => {
    const client = await world.raw('login')
    await client.ok('CREATE One/Two/')
    expect(await client.command('CREATE One/Two')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[ALREADYEXISTS]'),
    })
    world.account.deliver(simple('kept'), { mailbox: 'One/Two' })
    await client.ok('RENAME One Eins')
    expect(world.account.get('Eins/Two')?.messages).toHaveLength(1)
    expect(await client.command('STATUS One (MESSAGES)')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[NONEXISTENT]'),
    })
    await client.ok('DELETE Eins')
    expect(await client.ok('LIST "" "Eins*"')).toEqual([
      '* LIST (\\Noselect \\HasChildren) "/" "Eins"',
      '* LIST (\\HasNoChildren) "/" "Eins/Two"',
    ])
    expect((await client.command('SELECT Eins')).status).toBe('NO')
    expect((await client.command('DELETE Eins')).status).toBe('NO')
    await client.ok('DELETE Eins/Two')
    await client.ok('DELETE Eins')
    expect((await client.command('DELETE INBOX')).status).toBe('NO')
  })

  it('gives a mailbox made anew another UIDVALIDITY', async () => {
    const client = await world.raw('login')
    await client.ok('CREATE X')
    const before = world.account.get('X')?.uidValidity
    await client.ok('DELETE X')
    await client.ok('CREATE X')
    expect(world.account.get('X')?.uidValidity).toBeGreaterThan(before ?? Infinity)
  })

  it('renames INBOX by moving its mail', async () => {
    world.account.deliver(simple('one'))
    const client = await world.raw('login')
    await client.ok('RENAME INBOX Old')
    expect(world.account.get('Old')?.messages).toHaveLength(1)
    expect(world.account.get('INBOX')?.messages).toHaveLength(0)
  })

  it('creates with a special use', async () => {
    const client = await world.raw('login')
    await client.ok('CREATE Important (USE (\\Important))')
    expect(await client.ok('LIST "" Important')).toEqual(['* LIST (\\HasNoChildren \\Important) "/" "Important"'])
    expect(await client.command('CREATE X (USE (\\Nonsense))')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[USEATTR]'),
    })
  })

  it('keeps subscriptions beyond their mailbox', async () => {
    const client = await world.raw('login')
    await client.ok('CREATE A/B')
    await client.ok('UNSUBSCRIBE A')
    await client.ok('DELETE A/B')
    expect(await client.ok('LSUB "" "A/*"')).toEqual(['* LSUB () "/" "A/B"'])
    expect(await client.ok('LSUB "" "%"')).toContain('* LSUB (\\Noselect) "/" "A"')
    expect(await client.ok('LIST (SUBSCRIBED) "" "A/*"')).toEqual([
      '* LIST (\\NonExistent \\HasNoChildren \\Subscribed) "/" "A/B"',
    ])
    await client.ok('UNSUBSCRIBE A/B')
    expect(await client.ok('LSUB "" "A/*"')).toEqual([])
  })

  it('selects with everything RFC 3501 and 7162 ask for', async () => {
    world.account.deliver(simple('one'), { flags: ['\\Seen'] })
    world.account.deliver(simple('two'), { flags: ['$Forwarded'] })
    const client = await world.raw('login')
    const select = await client.command('SELECT INBOX')
    expect(select.text).toMatch(/^\[READ-WRITE\] /)
    expect(select.untagged).toEqual([
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded)',
      '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft $Forwarded \\*)] Flags permitted.',
      '* 2 EXISTS',
      '* 2 RECENT',
      '* OK [UNSEEN 2] First unseen.',
      '* OK [UIDVALIDITY 1700000001] UIDs valid',
      '* OK [UIDNEXT 3] Predicted next UID',
      '* OK [HIGHESTMODSEQ 3] Highest',
      '* OK [MAILBOXID (F1700000001)] Ok',
    ])
    const examine = await client.command('EXAMINE INBOX')
    expect(examine.text).toMatch(/^\[READ-ONLY\] /)
    expect(examine.untagged).toContain('* OK [CLOSED] Previous mailbox closed.')
    expect(examine.untagged).toContain('* OK [PERMANENTFLAGS ()] Flags permitted.')
    expect(examine.untagged).toContain('* 0 RECENT')
    expect(await client.command('STORE 1 FLAGS (\\Seen)')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[READ-ONLY]'),
    })
  })
})

describe('APPEND', () => {
  it('stores flags, date and bytes, and tells the UID', async () => {
    const client = await world.raw('login')
    const message = mail('Subject: x\n\nbody\n')
    const answer = await client.command(
      `APPEND Drafts (\\Draft \\Seen Label) " 7-Nov-2026 01:02:03 +0900" {${message.length}}`,
      message,
    )
    expect(answer.text).toMatch(/^\[APPENDUID 1700000004 1\] /)
    const [stored] = world.account.get('Drafts')?.messages ?? []
    expect(stored.content.raw).toEqual(message)
    expect([...stored.flags]).toEqual(['\\Draft', '\\Seen', 'Label'])
    expect(stored.content.internalDate.toISOString()).toBe('2026-11-06T16:02:03.000Z')
  })

  it('asks to create a mailbox that is not there', async () => {
    const client = await world.raw('login')
    const answer = await client.command('APPEND Nowhere {3}', 'abc')
    expect(answer).toMatchObject({ status: 'NO', text: expect.stringContaining('[TRYCREATE]') })
  })

  it('refuses a message beyond APPENDLIMIT before it is sent', async () => {
    const client = await world.raw('login')
    const answer = await client.command('APPEND INBOX {157286401}')
    expect(answer).toMatchObject({ status: 'NO', text: expect.stringContaining('[TOOBIG]') })
    expect((await client.command('NOOP')).status).toBe('OK')
  })

  it('takes literal8 and 8-bit as they are', async () => {
    const client = await world.raw('login')
    const message = Buffer.from('Subject: \xff\r\n\r\n\0\x80\r\n', 'latin1')
    await client.ok(`APPEND INBOX ~{${message.length}}`, message)
    await client.ok(`APPEND INBOX {${message.length + 0}}`, message.fill(0x41, 14, 15))
    expect(world.account.get('INBOX')?.messages.map(({ content }) => content.size)).toEqual([
      message.length,
      message.length,
    ])
  })

  it('tells the own session at once', async () => {
    const client = await world.raw('select')
    expect(await client.ok('APPEND INBOX {3}', 'abc')).toEqual(['* 1 EXISTS', '* 1 RECENT'])
  })
})

describe('COPY, MOVE, STORE, EXPUNGE', () => {
  beforeEach(() => {
    for (const name of ['one', 'two', 'three', 'four']) world.account.deliver(simple(name))
  })

  it('copies with flags and date, and maps the UIDs', async () => {
    const client = await world.raw()
    await client.ok('STORE 2 +FLAGS.SILENT (\\Flagged)')
    expect((await client.command('COPY 2:3 Archive')).text).toMatch(/^\[COPYUID 1700000002 2:3 1:2\] /)
    const [first] = world.account.get('Archive')?.messages ?? []
    expect([...first.flags]).toEqual(['\\Flagged'])
    expect(first.content).toBe(world.account.get('INBOX')?.messages[1].content)
    expect(await client.command('COPY 1 Nowhere')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[TRYCREATE]'),
    })
    expect((await client.command('UID COPY 99 Archive')).status).toBe('OK')
    expect((await client.command('COPY 99 Archive')).status).toBe('BAD')
  })

  it('moves: COPYUID first, then EXPUNGE with shifting numbers', async () => {
    const client = await world.raw()
    expect(await client.ok('UID MOVE 1,3 Archive')).toEqual([
      '* OK [COPYUID 1700000002 1,3 1:2] Moved UIDs.',
      '* 1 EXPUNGE',
      '* 2 EXPUNGE',
    ])
    expect(await client.ok('FETCH 1:* UID')).toEqual(['* 1 FETCH (UID 2)', '* 2 FETCH (UID 4)'])
  })

  it('stores in six ways', async () => {
    const client = await world.raw()
    expect(await client.ok('STORE 1 FLAGS (\\Seen Work)')).toEqual([
      '* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work)',
      '* OK [PERMANENTFLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft Work \\*)] Flags permitted.',
      '* 1 FETCH (FLAGS (\\Seen Work \\Recent))',
    ])
    expect(await client.ok('STORE 1 +FLAGS \\Flagged work')).toEqual([
      '* 1 FETCH (FLAGS (\\Seen Work \\Flagged \\Recent))',
    ])
    expect(await client.ok('UID STORE 1 -FLAGS (\\seen)')).toEqual([
      '* 1 FETCH (UID 1 FLAGS (Work \\Flagged \\Recent))',
    ])
    expect(await client.ok('STORE 1:2 FLAGS.SILENT ()')).toEqual([])
    expect(await client.ok('STORE 1 +FLAGS.SILENT (\\Recent)')).toEqual([])
    expect(await client.ok('FETCH 1 FLAGS')).toEqual(['* 1 FETCH (FLAGS (\\Recent))'])
  })

  it('expunges all that is deleted, or only some of it by UID', async () => {
    const client = await world.raw()
    await client.ok('STORE 1:3 +FLAGS.SILENT (\\Deleted)')
    expect(await client.ok('UID EXPUNGE 2:9')).toEqual(['* 2 EXPUNGE', '* 2 EXPUNGE'])
    expect(await client.ok('EXPUNGE')).toEqual(['* 1 EXPUNGE'])
    expect(await client.ok('UID SEARCH ALL')).toEqual(['* SEARCH 4'])
  })

  it('expunges silently on CLOSE, not on UNSELECT, not when read-only', async () => {
    const client = await world.raw()
    await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    await client.ok('UNSELECT')
    await client.ok('EXAMINE INBOX')
    await client.ok('CLOSE')
    expect(world.account.get('INBOX')?.messages).toHaveLength(4)
    await client.ok('SELECT INBOX')
    expect(await client.ok('CLOSE')).toEqual([])
    expect(world.account.get('INBOX')?.messages).toHaveLength(3)
  })
})

it('compresses both ways (COMPRESS=DEFLATE)', async () => {
  world.account.deliver(simple('one', 'x'.repeat(100_000)))
  const client = world.flow({ disableCompression: false })
  await client.connect()
  await client.mailboxOpen('INBOX')
  const message = await client.fetchOne('1', { source: true })
  expect(message && message.source?.length).toBe(simple('one', 'x'.repeat(100_000)).length)
  await client.logout()
})

it('drops what waits behind STARTTLS in clear', async () => {
  const authority = await createAuthority()
  const secure = await startPlain({ tls: await authority.issue(), startTls: true })
  const client = await Raw.connect(secure.server.port)
  expect(client.greeting).toContain('STARTTLS LOGINDISABLED')
  expect(await client.command('LOGIN a@b.example x')).toMatchObject({
    status: 'NO',
    text: expect.stringContaining('[PRIVACYREQUIRED]'),
  })
  expect((await client.command('AUTHENTICATE PLAIN')).status).toBe('NO')
  client.write('s STARTTLS\r\ni NOOP\r\n')
  expect(await client.response()).toMatch(/^s OK /)
  const encrypted = tls.connect({ socket: client.socket, ca: authority.certificate, servername: 'localhost' })
  encrypted.write('z CAPABILITY\r\n')
  let received = ''
  while (!received.includes('z OK')) received += (await once(encrypted, 'data'))[0]
  // The NOOP that was injected in clear is never answered.
  expect(received).toMatch(/^\* CAPABILITY (?!.*STARTTLS).*AUTH=PLAIN.*\r\nz OK /)
  client.close()
  await secure.stop()
})
