import { afterEach, describe, expect, it } from 'vitest'
import { mail, simple, startPlain, USER } from './imap-support'

type World = Awaited<ReturnType<typeof startPlain>>

const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function start(personality: string) {
  const { createStore, layouts } = await import('../mailbox/index.js')
  const { personalities } = await import('../imap/index.js')
  const store = createStore({ layout: layouts[personalities[personality].layout] })
  const world = await startPlain({ personality, store })
  worlds.push(world)
  return world
}

const commandsOf: Record<string, { has: string[]; lacks: string[] }> = {
  exchange: {
    has: ['MOVE 1 Archive', 'UID EXPUNGE 1', 'IDLE', 'NAMESPACE', 'ID NIL'],
    lacks: [
      'ENABLE CONDSTORE',
      'COMPRESS DEFLATE',
      'FETCH 1 MODSEQ',
      'FETCH 1 EMAILID',
      'FETCH 1 BINARY[1]',
      'SEARCH RETURN () ALL',
      'LIST "" * RETURN (STATUS (MESSAGES))',
      'STATUS INBOX (SIZE)',
      'SELECT INBOX (CONDSTORE)',
      'GETQUOTAROOT INBOX',
      'XLIST "" *',
      'SEARCH X-GM-RAW a',
    ],
  },
  gmail: {
    has: [
      'MOVE 1 R&-D',
      'ENABLE CONDSTORE',
      'XLIST "" *',
      'FETCH 1 X-GM-LABELS',
      'SEARCH X-GM-RAW hello',
      'LIST "" * RETURN (STATUS (MESSAGES))',
    ],
    lacks: ['SELECT INBOX (QRESYNC (1 1))', 'FETCH 1 EMAILID', 'FETCH 1 BINARY[1]', 'STATUS INBOX (SIZE)'],
  },
  163: {
    has: ['XLIST "" *', 'LIST (SPECIAL-USE) "" *'],
    lacks: ['MOVE 1 INBOX', 'IDLE', 'NAMESPACE', 'ENABLE CONDSTORE', 'UNSELECT'],
  },
  exmail: {
    has: ['MOVE 1 Drafts', 'XLIST "" *', 'NAMESPACE'],
    lacks: ['ENABLE CONDSTORE', 'UNSELECT', 'FETCH 1 MODSEQ', 'LIST "" * RETURN (SPECIAL-USE)'],
  },
}

describe.each(Object.keys(commandsOf))('%s', (personality) => {
  it('offers what it advertises and nothing else', async () => {
    const world = await start(personality)
    for (const { command, allowed } of [
      ...commandsOf[personality].has.map((command) => ({ command, allowed: true })),
      ...commandsOf[personality].lacks.map((command) => ({ command, allowed: false })),
    ]) {
      world.account.deliver(simple('x'))
      const client = await world.raw('login')
      await client.ok('ID NIL')
      await client.ok('SELECT INBOX')
      if (command === 'IDLE' && allowed) {
        client.write('i IDLE\r\n')
        expect(await client.response()).toMatch(/^\+ /)
      } else expect((await client.command(command)).status, command).toBe(allowed ? 'OK' : 'BAD')
      client.close()
    }
  })

  it('serves imapflow', async () => {
    const world = await start(personality)
    for (const name of ['one', 'two', 'three']) world.account.deliver(simple(name))
    const client = world.flow()
    await client.connect()
    const lock = await client.getMailboxLock('INBOX')
    const subjects: string[] = []
    for await (const { envelope, source } of client.fetch('1:*', {
      envelope: true,
      bodyStructure: true,
      source: true,
      flags: true,
    })) {
      subjects.push(envelope?.subject ?? '')
      expect(source?.length).toBe(simple(envelope?.subject ?? '').length)
    }
    expect(subjects).toEqual(['one', 'two', 'three'])
    expect(await client.search({ subject: 'two' }, { uid: true })).toEqual([2])
    const target = (await client.list()).find(({ specialUse }) => specialUse === '\\Trash')?.path ?? 'Deleted Messages'
    const moved = await client.messageMove('2', target, { uid: true })
    expect(moved && moved.uidMap?.get(2)).toBe(1)
    lock.release()
    await client.logout()
  })
})

describe('exchange', () => {
  it('speaks as Exchange does', async () => {
    const world = await start('exchange')
    world.account.deliver(simple('one'), { flags: ['\\Seen'] })
    world.account.deliver(simple('two'))
    const client = await world.raw('greeting')
    expect(client.greeting).toMatch(/^\* OK The Microsoft Exchange IMAP4 service is ready\. \[[A-Za-z0-9+/=]+\]$/)
    expect(await client.ok('CAPABILITY')).toEqual([
      '* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS ID UNSELECT CHILDREN IDLE NAMESPACE LITERAL+',
    ])
    expect((await client.command(`LOGIN ${USER} x`)).text).toBe('LOGIN completed.')
    expect(await client.ok('CAPABILITY')).toEqual([
      '* CAPABILITY IMAP4 IMAP4rev1 AUTH=PLAIN AUTH=XOAUTH2 SASL-IR UIDPLUS MOVE ID UNSELECT CLIENTACCESSRULES CLIENTNETWORKPRESENCELOCATION BACKENDAUTHENTICATE CHILDREN IDLE NAMESPACE LITERAL+',
    ])
    const list = await client.ok('LIST "" "*"')
    expect(list).toContain('* LIST (\\Marked \\HasNoChildren) "/" Inbox')
    expect(list).toContain('* LIST (\\HasNoChildren \\Trash) "/" "Deleted Items"')
    expect(list).toContain('* LIST (\\HasNoChildren) "/" Archive')
    expect(list).toContain('* LIST (\\HasNoChildren) "/" Calendar')
    const select = await client.command('SELECT Inbox')
    expect(select).toEqual({
      status: 'OK',
      text: '[READ-WRITE] SELECT completed.',
      untagged: [
        '* 2 EXISTS',
        '* 2 RECENT',
        '* FLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)',
        '* OK [PERMANENTFLAGS (\\Seen \\Answered \\Flagged \\Deleted \\Draft $MDNSent)] Permanent flags',
        '* OK [UNSEEN 2] Is the first unseen message',
        '* OK [UIDVALIDITY 1700000001] UIDVALIDITY value',
        '* OK [UIDNEXT 3] The next unique identifier value',
      ],
    })
    expect(await client.command('SELECT Nope')).toMatchObject({ status: 'NO', text: "Nope doesn't exist." })
    expect(await client.command('FROB')).toMatchObject({ status: 'BAD', text: 'Command Error. 12' })
    expect(await client.command('SELECT')).toMatchObject({ status: 'BAD', text: 'Command Argument Error. 11' })
    expect((await client.command('LOGOUT')).untagged).toEqual([
      '* BYE Microsoft Exchange Server IMAP4 server signing off.',
    ])
  })

  it('searches in ASCII only', async () => {
    const client = await (await start('exchange')).raw()
    const refused = { status: 'NO', text: '[BADCHARSET (US-ASCII)] The specified charset is not supported.' }
    expect(await client.command('SEARCH CHARSET UTF-8 SUBJECT x')).toMatchObject(refused)
    expect(await client.command('SEARCH SUBJECT {2}', 'é')).toMatchObject(refused)
    expect((await client.command('SEARCH CHARSET US-ASCII SUBJECT x')).status).toBe('OK')
  })

  it('refuses long lines, drops keywords, orders attributes its own way', async () => {
    const world = await start('exchange')
    world.account.deliver(simple('one'))
    const client = await world.raw()
    const uids = Array.from({ length: 4000 }, (_, n) => n * 2 + 1).join(',')
    expect(await client.command(`UID FETCH ${uids} FLAGS`)).toMatchObject({ status: 'BAD', text: 'Command Error. 10' })
    expect(await client.ok('STORE 1 +FLAGS (Label \\Flagged)')).toEqual(['* 1 FETCH (FLAGS (\\Flagged \\Recent))'])
    expect((await client.ok('UID FETCH 1 (UID BODY.PEEK[HEADER.FIELDS (SUBJECT)] FLAGS ENVELOPE)'))[0]).toMatch(
      /^\* 1 FETCH \(ENVELOPE .* FLAGS .* UID 1 BODY\[HEADER/,
    )
  })

  it('tells EXISTS before the "+" of IDLE', async () => {
    const world = await start('exchange')
    const client = await world.raw()
    world.account.deliver(simple('new'))
    client.write('i IDLE\r\n')
    expect(await client.response()).toBe('* 1 EXISTS')
    expect(await client.response()).toBe('* 1 RECENT')
    expect(await client.response()).toBe('+ IDLE accepted, awaiting DONE command.')
  })
})

describe('gmail', () => {
  it('keeps one message under many labels', async () => {
    const world = await start('gmail')
    world.account.deliver(simple('one'))
    const client = await world.raw()
    const [line] = await client.ok('FETCH 1 (X-GM-MSGID X-GM-THRID X-GM-LABELS)')
    const id = /X-GM-MSGID (\d{19}) X-GM-THRID \d{19} X-GM-LABELS \(\)/.exec(line)?.[1]
    expect(id).toBeDefined()
    await client.ok('COPY 1 R&-D')
    await client.ok('STORE 1 +X-GM-LABELS (\\Starred "New label")')
    expect(await client.ok('FETCH 1 X-GM-LABELS')).toEqual([
      '* 1 FETCH (X-GM-LABELS ("R&-D" "\\\\Starred" "New label"))',
    ])
    await client.ok('STORE 1 +FLAGS (\\Seen)')
    await client.ok('SELECT "[Gmail]/All Mail"')
    expect(await client.ok('FETCH 1:* (X-GM-MSGID FLAGS)')).toEqual([
      `* 1 FETCH (X-GM-MSGID ${id} FLAGS (\\Seen \\Recent))`,
    ])
    expect(await client.ok(`SEARCH X-GM-MSGID ${id}`)).toEqual(['* SEARCH 1'])
    expect((await client.ok('FETCH 1 X-GM-LABELS'))[0]).toContain('"\\\\Inbox"')
  })

  it('expunges a label, not the message; trash takes it from everywhere', async () => {
    const world = await start('gmail')
    const box = (path: string) => world.account.get(path)!.messages.length
    world.account.deliver(simple('one'))
    const client = await world.raw()
    await client.ok('STORE 1 +FLAGS.SILENT (\\Deleted)')
    await client.ok('EXPUNGE')
    expect([box('INBOX'), box('[Gmail]/All Mail')]).toEqual([0, 1])
    await client.ok('SELECT "[Gmail]/All Mail"')
    await client.ok('COPY 1 INBOX')
    expect(box('INBOX')).toBe(1)
    expect((await client.ok('UID MOVE 1 [Gmail]/Trash'))[0]).toMatch(/^\* OK \[COPYUID /)
    expect([box('INBOX'), box('[Gmail]/All Mail'), box('[Gmail]/Trash')]).toEqual([0, 0, 1])
    world.account.deliver(simple('two'))
    world.account.remove(world.account.allMail!, world.account.allMail!.messages)
    expect([box('INBOX'), box('[Gmail]/All Mail')]).toEqual([0, 0])
  })

  it('understands everyday Gmail searches', async () => {
    const world = await start('gmail')
    world.account.deliver(
      mail(`From: Ann <ann@x.example>\nTo: ${USER}\nSubject: Invoice 7\nMessage-ID: <m1@x>\n\nplease pay\n`),
      { flags: ['\\Seen'] },
    )
    world.account.deliver(
      mail(
        'From: Bob <bob@x.example>\nSubject: Lunch\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Disposition: attachment; filename=a\n\nx\n--b--\n',
      ),
    )
    const client = await world.raw()
    await client.ok('COPY 2 R&-D')
    for (const [query, wanted] of [
      ['from:ann', '1'],
      ['invoice -lunch', '1'],
      ['is:unread', '2'],
      ['has:attachment', '2'],
      ['label:r&d', '2'],
      ['subject:\\"invoice 7\\" is:read', '1'],
      ['rfc822msgid:m1@x', '1'],
      ['older_than:1d', ''],
      ['larger:1m', ''],
    ]) {
      expect(await client.ok(`SEARCH X-GM-RAW "${query}"`), query).toEqual([
        `* SEARCH${wanted === '' ? '' : ` ${wanted}`}`,
      ])
    }
  })

  it('has LITERAL- only', async () => {
    const client = await (await start('gmail')).raw()
    expect((await client.command(`APPEND INBOX {5+}\r\nhello`)).status).toBe('OK')
    expect((await client.command(`APPEND INBOX {5000+}\r\n${'x'.repeat(5000)}`)).status).toBe('BAD')
  })
})

describe('rev2', () => {
  it('speaks IMAP4rev2 once enabled', async () => {
    const world = await start('rev2')
    world.account.deliver(simple('one'))
    const client = await world.raw('login')
    expect(await client.ok('SELECT INBOX')).toContain('* 1 RECENT')
    expect(await client.ok('ENABLE IMAP4rev2')).toEqual(['* ENABLED IMAP4rev2'])
    const select = await client.ok('SELECT INBOX')
    expect(select).toContain('* LIST (\\HasNoChildren) "/" "INBOX"')
    expect(select.filter((line) => /RECENT|UNSEEN/.test(line))).toEqual([])
    expect(await client.ok('SEARCH ALL')).toEqual([expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) ALL 1$/)])
    world.account.deliver(simple('two'))
    expect(await client.ok('NOOP')).toEqual(['* 2 EXISTS'])
    expect(await client.ok('FETCH 2 FLAGS')).toEqual(['* 2 FETCH (FLAGS ())'])
    const name = Buffer.from('請求書').toString('latin1')
    expect(await client.ok(`STATUS "${name}" (MESSAGES DELETED)`)).toEqual([
      `* STATUS "${name}" (MESSAGES 0 DELETED 0)`,
    ])
  })

  it('speaks nothing else where IMAP4rev1 is not offered', async () => {
    const { personalities } = await import('../imap/index.js')
    const { capabilities } = personalities.rev2
    const only = (words: string[]) => words.filter((word) => word !== 'IMAP4rev1')
    const personality = {
      ...personalities.rev2,
      capabilities: { before: only(capabilities.before), after: only(capabilities.after) },
    }
    const world = await startPlain({ personality })
    worlds.push(world)
    const client = await world.raw()
    expect(client.greeting).toContain('[CAPABILITY IMAP4rev2 SASL-IR')
    expect(await client.ok('UID SEARCH ALL')).toEqual([expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) UID$/)])
  })
})

describe('163', () => {
  it('opens nothing before ID', async () => {
    const client = await (await start('163')).raw('login')
    for (const command of ['SELECT', 'EXAMINE']) {
      expect(await client.command(`${command} INBOX`)).toMatchObject({
        status: 'NO',
        text: `${command} Unsafe Login. Please contact kefu@188.com for help`,
      })
    }
    expect((await client.command('LIST "" *')).untagged).toContain('* LIST (\\HasNoChildren \\Sent) "/" "&XfJT0ZAB-"')
    await client.ok('ID ("name" "test")')
    expect((await client.command('SELECT INBOX')).status).toBe('OK')
  })
})

describe('exmail', () => {
  it('ignores partials and shows special uses by XLIST only', async () => {
    const world = await start('exmail')
    world.account.deliver(simple('one'))
    const client = await world.raw()
    const [line] = await client.ok('FETCH 1 BODY.PEEK[]<10.5>')
    expect(line).toContain(`BODY[] {${simple('one').length}}`)
    expect(await client.ok('LIST "" "Sent Messages"')).toEqual(['* LIST (\\HasNoChildren) "/" "Sent Messages"'])
    expect(await client.ok('XLIST "" "Sent Messages"')).toEqual([
      '* XLIST (\\HasNoChildren \\Sent) "/" "Sent Messages"',
    ])
    expect(await client.ok('LIST "" "%"')).toContain('* LIST (\\Noselect \\HasChildren) "/" "&UXZO1mWHTvZZOQ-"')
  })
})
