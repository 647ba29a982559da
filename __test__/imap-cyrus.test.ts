// What Dovecot 2.3 lacks or does otherwise, on Cyrus: the other suites run on it as well. Names of tests are extensions where
// one is meant, and what goes over the wire shows that it was used.

import { afterAll, beforeAll, expect, inject, test } from 'vitest'

import { ImapClient } from '../index'
import type { SyncBatch } from '../index'
import { account, mailOf, onBackend } from './backends'
import { all, failing } from './failing'
import { LARGEST_MESSAGE } from './servers/cyrus.mjs'
import { RawClient } from './sync/raw-client'
import { Wire } from './wire'

const cyrus = inject('cyrus')

onBackend('extensions by name', cyrus, cyrus.skipped, () => {
  let wire: Wire
  let client: ImapClient
  let colleague: RawClient

  const open = () => {
    const { user, password } = account(cyrus, 'cyrus')
    return ImapClient.connect({ ...wire.address, auth: { user, password }, clientId: { name: 'suite' } })
  }
  const raw = (name: string) => {
    const { user, password } = account(cyrus, name)
    return RawClient.open(cyrus.imapStarttls.port, user, password)
  }
  const identity = async (path: string, uid: number) => {
    const message = await client.fetchOne(path, uid, { flags: true })
    return [message?.emailId, message?.threadId]
  }

  beforeAll(async () => {
    wire = await Wire.start(cyrus.imapStarttls.port)
    client = await open()
    colleague = await raw('cyrus')
  })
  afterAll(async () => {
    await client?.logout()
    colleague?.close()
    wire?.stop()
  })

  test('what it offers', () => {
    const offered = ['ID', 'ENABLE', 'NAMESPACE', 'CHILDREN', 'SPECIAL-USE', 'CREATE-SPECIAL-USE', 'LIST-EXTENDED']
    offered.push(
      'LIST-STATUS',
      'STATUS=SIZE',
      'UIDPLUS',
      'MOVE',
      'ESEARCH',
      'CONDSTORE',
      'QRESYNC',
      'OBJECTID',
      'QUOTA',
    )
    offered.push('UNSELECT', 'BINARY', 'LITERAL+', 'COMPRESS=DEFLATE', `APPENDLIMIT=${LARGEST_MESSAGE}`)
    expect(client.capabilities).toEqual(expect.arrayContaining(offered))
  })

  test('SASL-IR, ID, COMPRESS=DEFLATE', async () => {
    const answered = wire.replies.length
    const said = await wire.during(async () => {
      const { user, password } = account(cyrus, 'cyrus')
      const auth = { user, password }
      const own = await ImapClient.connect({ ...wire.address, auth, clientId: { name: 'suite' }, compress: true })
      await own.status('INBOX')
      await own.logout()
    })
    expect(said.slice(0, 3)).toEqual([
      expect.stringMatching(/^AUTHENTICATE PLAIN \S+$/),
      'ID ("name" "suite")',
      'COMPRESS DEFLATE',
    ])
    expect(wire.replies.slice(answered).join()).not.toContain('* STATUS')
  })

  test('NAMESPACE, LIST-EXTENDED, SPECIAL-USE, LIST-STATUS, STATUS=SIZE: all of it in one LIST', async () => {
    await client.append('Archive', mailOf('Counted'))
    await client.append('Archive', mailOf('Counted, too', 'A longer one.'))
    const sizes = await all(client.fetch('Archive', '1:*', { size: true }))
    const own = await open()
    let mailboxes = await own.list()
    const said = await wire.during(async () => (mailboxes = await own.list({ status: true })))
    expect(said).toEqual([expect.stringMatching(/^LIST "" "\*" RETURN \(SUBSCRIBED .*STATUS \(.*\bSIZE\b.*\)\)$/)])
    const archive = mailboxes.find(({ path }) => path === 'Archive')
    expect(archive).toMatchObject({ specialUse: 'archive', subscribed: true, delimiter: '/' })
    const size = sizes.reduce((sum, message) => sum + message.size!, 0)
    expect(archive?.status).toMatchObject({
      messages: 2,
      unseen: 2,
      size,
      highestModSeq: expect.stringMatching(/^\d+$/),
    })
    expect(await own.status('Archive')).toEqual(archive?.status)
    await own.logout()
  })

  test('CREATE-SPECIAL-USE', async () => {
    const said = await wire.during(() => client.create('To the board', { specialUse: 'important' }))
    expect(said).toContain('CREATE "To the board" (USE (\\Important))')
    expect((await client.list()).find(({ path }) => path === 'To the board')).toMatchObject({ specialUse: 'important' })
    expect(await failing(client.create('Second sent', { specialUse: 'sent' }))).toMatchObject({
      category: 'rejected',
      server: { code: 'USEATTR' },
    })
  })

  test('OBJECTID: ids are those of the server, and stay over copy, move and rename', async () => {
    await client.create('Ids')
    const { uid } = await client.append('Ids', mailOf('Contract'))
    const answer = mailOf('Re: Contract', 'Yes.', ['In-Reply-To: <Contract@contoso.example>'])
    const reply = (await client.append('Ids', answer)).uid!
    const said = await wire.during(() => client.fetchOne('Ids', uid!, { envelope: true }))
    expect(said.at(-1)).toMatch(/^UID FETCH \d+ \(.*EMAILID THREADID.*\)$/)
    const [emailId, threadId] = await identity('Ids', uid!)
    await colleague.ok('EXAMINE "Ids"')
    const { untagged } = await colleague.ok(`UID FETCH ${uid} (EMAILID THREADID)`)
    expect(untagged.join()).toContain(`EMAILID (${emailId}) THREADID (${threadId})`)
    expect(await identity('Ids', reply)).toEqual([expect.not.stringMatching(`^${emailId}$`), threadId])

    const copied = (await client.copy('Ids', uid!, 'Archive')).uids![0].to
    expect(await identity('Archive', copied)).toEqual([emailId, threadId])
    const moved = (await client.move('Archive', copied, 'Drafts')).uids![0].to
    expect(await identity('Drafts', moved)).toEqual([emailId, threadId])
    await client.rename('Ids', 'Ids of today')
    expect(await identity('Ids of today', uid!)).toEqual([emailId, threadId])
  })

  test('OBJECTID: they come with a sync, with parsed messages and without anything else', async () => {
    const { uid } = await client.append('Junk', mailOf('Prize'))
    const [emailId, threadId] = await identity('Junk', uid!)
    expect(emailId).toMatch(/^[\w-]{1,255}$/)
    expect(threadId).toMatch(/^[\w-]{1,255}$/)
    const ids = { emailId, threadId, labels: null }
    expect(await client.fetchOne('Junk', uid!, {})).toMatchObject(ids)
    expect(await client.fetchOne('Junk', uid!, { message: true })).toMatchObject(ids)
    const [batch] = await all(client.sync('Junk', null))
    expect(batch.added).toEqual([expect.objectContaining(ids)])
  })

  test('APPENDLIMIT: what is too large is refused before a byte of it is sent', async () => {
    const head = mailOf('Large', '')
    const fits = Buffer.concat([head, Buffer.alloc(LARGEST_MESSAGE - head.length, 'x'.repeat(70) + '\r\n')])
    const tooLarge = Buffer.concat([fits, Buffer.from('x')])
    const said = await wire.during(async () => {
      const error = await failing(client.append('INBOX', tooLarge))
      expect(error).toMatchObject({ code: 'MESSAGE_TOO_LARGE', category: 'limit', server: null })
      expect(error.message).toContain(String(LARGEST_MESSAGE))
    })
    expect(said).toEqual([])
    const { uid } = await client.append('INBOX', fits)
    expect(await client.fetchOne('INBOX', uid!, { size: true })).toMatchObject({ size: LARGEST_MESSAGE })
    expect(await failing(client.replace('INBOX', uid!, tooLarge))).toMatchObject({ code: 'MESSAGE_TOO_LARGE' })
    expect(await client.fetchOne('INBOX', uid!, { size: true })).toMatchObject({ size: LARGEST_MESSAGE })
    await client.delete('INBOX', uid!)
  })

  test('LITERAL+: small mail goes at once, and a large one when the server says so', async () => {
    const large = mailOf('Two million', 'x'.repeat(98).concat('\r\n').repeat(20_000))
    const said = await wire.during(async () => {
      await client.append('Trash', mailOf('Small'))
      await client.append('Trash', large)
    })
    expect(said.map((line) => /\{\d+\+?\}/.exec(line)?.[0])).toEqual([
      '{' + mailOf('Small').length + '+}',
      `{${large.length}}`,
    ])
  })

  test('ESEARCH, with every word of the query', async () => {
    await client.create('Search')
    for (const subject of ['=?utf-8?Q?Umsatz_M=C3=BCnchen?=', 'Offer', 'Bill'])
      await client.append('Search', mailOf(subject))
    await client.addFlags('Search', 2, ['\\Seen', '$Paid'])
    let found: number[] = []
    const or = [{ subject: 'München' }, { keyword: '$Paid' }, { header: { 'message-id': '<Bill@contoso.example>' } }]
    const said = await wire.during(async () => (found = await client.search('Search', { or })))
    expect(said.at(-1)).toMatch(/^UID SEARCH RETURN \(ALL\) CHARSET UTF-8 /)
    expect(wire.replies.filter((line) => line.startsWith('* ESEARCH')).at(-1)).toMatch(/ UID ALL 1:3$/)
    expect(found).toEqual([1, 2, 3])
    expect(await client.search('Search', { or: or.slice(0, 2), not: { seen: true } })).toEqual([1])
    expect(await client.search('Search', { uid: '2:*', not: { or: [{ subject: 'Offer' }] } })).toEqual([3])
    expect(await client.search('Search', { uid: { newest: 2 }, sentSince: new Date('2026-11-01') })).toEqual([2, 3])
    expect(await client.search('Search', { text: 'Hello', seen: true })).toEqual([2])
    expect(await client.search('Search', { subject: 'nothing' })).toEqual([])
    const modSeq = (await client.fetchOne('Search', 2, { flags: true }))?.modSeq
    expect(await client.search('Search', { modSeq: modSeq! })).toEqual([2])
  })

  test('UIDPLUS, MOVE, UNSELECT by their commands', async () => {
    await client.create('Moves')
    const said = await wire.during(async () => {
      const { uid, uidValidity } = await client.append('Moves', mailOf('One'))
      const second = await client.replace('Moves', uid!, mailOf('Two'))
      expect(second).toEqual({ uid: uid! + 1, uidValidity })
      const copies = await client.copy('Moves', '1:*', 'Moves')
      expect(copies).toEqual({ uidValidity, uids: [{ from: uid! + 1, to: uid! + 2 }] })
      expect((await client.move('Moves', uid! + 1, 'Trash')).uids).toHaveLength(1)
      await client.delete('Moves', '1:*')
      expect(await client.status('Moves')).toMatchObject({ messages: 0, uidNext: uid! + 3 })
      await client.deleteMailbox('Moves')
    })
    const verbs = said.map((line) => /^(UID )?\w+/.exec(line)?.[0])
    const used = ['UID COPY', 'UID MOVE', 'UID STORE', 'UID EXPUNGE', 'UNSELECT', 'DELETE', 'UNSUBSCRIBE']
    expect(verbs).toEqual(expect.arrayContaining(used))
    expect(verbs).not.toContain('EXPUNGE')
  })

  test('CONDSTORE, QRESYNC, ENABLE: changes and what has vanished come in the answer to EXAMINE', async () => {
    await client.create('Sync')
    for (let i = 1; i <= 9; i++) await client.append('Sync', mailOf(`Mail ${i}`))
    const batches: SyncBatch[] = []
    const first = await wire.during(async () => batches.push(...(await all(client.sync('Sync', null)))))
    expect(first.join('\n')).toMatch(/^EXAMINE "Sync" \(CONDSTORE\)$/m)
    expect(batches.flatMap(({ added }) => added)).toHaveLength(9)
    const { cursor } = batches.at(-1)!
    await colleague.ok('SELECT "Sync"')
    await colleague.ok('UID STORE 2,4 +FLAGS (\\Flagged $Work)')
    await colleague.ok('UID STORE 3,7:8 +FLAGS (\\Deleted)')
    await colleague.ok('UID EXPUNGE 3,7:8')
    await colleague.ok('APPEND "Sync"', mailOf('Mail 10'))
    await client.rename('Sync', 'Sync, renamed')

    let changes: SyncBatch[] = []
    const own = await open()
    const said = await wire.during(async () => (changes = await all(own.sync('Sync, renamed', cursor))))
    expect(said).toContain('ENABLE QRESYNC')
    expect(said.join('\n')).toMatch(/^EXAMINE "Sync, renamed" \(QRESYNC \(\d+ \d+/m)
    expect(wire.replies).toContain('* VANISHED (EARLIER) 3,7:8')
    expect(changes.map(({ reset }) => reset)).not.toContain(true)
    expect(changes.flatMap(({ vanished }) => vanished).sort()).toEqual([3, 7, 8])
    expect(changes.flatMap(({ added }) => added.map(({ uid }) => uid))).toEqual([10])
    const flags = changes.flatMap((batch) => batch.flags)
    expect(flags.map(({ uid }) => uid).sort()).toEqual([2, 4])
    for (const each of flags) {
      expect([...each.flags].map((flag) => flag.toLowerCase()).sort()).toEqual(['$work', '\\flagged'])
      expect(each.modSeq).toMatch(/^\d+$/)
    }
    await own.logout()
  })

  test('BINARY: the server decodes', async () => {
    const content = Buffer.alloc(5000, 'A table of figures. ')
    const encoded = content.toString('base64').replace(/.{76}/g, '$&\r\n')
    const more = ['MIME-Version: 1.0', 'Content-Type: application/pdf', 'Content-Transfer-Encoding: base64']
    const { uid } = await client.append('INBOX', mailOf('Encoded', encoded, more))
    await client.fetchOne('INBOX', uid!, { bodyStructure: true })
    let chunks: Buffer[] = []
    const said = await wire.during(async () => (chunks = await all(client.download('INBOX', uid!, { part: '1' }))))
    expect(said.join('\n')).toMatch(/BINARY\.PEEK\[1\]/)
    expect(Buffer.concat(chunks).equals(content)).toBe(true)
  })

  test('IDLE tells of new mail, of flags and of what has gone', async () => {
    await client.create('Watched')
    const own = await open()
    const [before, told] = [wire.commands.length, wire.replies.length]
    const events = own.watch('Watched')
    await colleague.ok('SELECT "Watched"')
    for (const change of [
      () => colleague.ok('APPEND "Watched"', mailOf('News')),
      () => colleague.ok('UID STORE 1 +FLAGS (\\Flagged)'),
      () => colleague.ok('UID STORE 1 +FLAGS.SILENT (\\Deleted)').then(() => colleague.ok('UID EXPUNGE 1')),
    ]) {
      const event = events.next()
      await idling(before)
      await change()
      expect(await event).toEqual({ done: false, value: { path: 'Watched', type: 'changed' } })
    }
    const everything = /^\* 1 EXISTS$[^]*^\* 1 FETCH .*\\Flagged[^]*^\* (1 EXPUNGE|VANISHED 1)$/m
    await expect.poll(() => wire.replies.slice(told).join('\n'), { timeout: 30_000 }).toMatch(everything)
    expect(await own.status('Watched')).toMatchObject({ messages: 0 })
    expect(wire.commands.slice(before)).toContain('DONE')
    await events.return?.()
    await own.logout()
  })

  /** Waits for the answer to an IDLE. */
  async function idling(since: number): Promise<void> {
    await expect.poll(() => wire.commands.slice(since), { timeout: 30_000 }).toContain('IDLE')
  }

  test('QUOTA: a full mailbox says so', async () => {
    const admin = await raw('admin')
    const full = (kilobytes: number) => admin.ok(`SETQUOTA "user/cyrus" (STORAGE ${kilobytes})`)
    const { uid } = await client.append('INBOX', mailOf('Before', 'x'.repeat(70).concat('\r\n').repeat(100)))
    await full(1)
    try {
      const exceeded = { code: 'QUOTA_EXCEEDED', category: 'quota', server: { status: 'NO' } }
      expect(await failing(client.append('INBOX', mailOf('Too much')))).toMatchObject(exceeded)
      expect(await failing(client.copy('INBOX', uid!, 'Trash'))).toMatchObject(exceeded)
      await client.addFlags('INBOX', uid!, ['\\Flagged'])
    } finally {
      await full(1_048_576)
      admin.close()
    }
    await client.append('INBOX', mailOf('Room again'))
  })

  test('NAMESPACE, ACL: the mailbox of somebody else can be read, and what is not allowed says so', async () => {
    const ben = await raw('ben')
    await ben.ok('CREATE "Plans"')
    await ben.ok('APPEND "Plans"', mailOf('A plan'))
    await ben.ok(`SETACL "Plans" ${account(cyrus, 'cyrus').user} lr`)
    const path = 'Other Users/ben/Plans'
    const listed = (await client.list({ status: true })).find((mailbox) => mailbox.path === path)
    expect(listed).toMatchObject({ name: 'Plans', specialUse: null, selectable: true, status: { messages: 1 } })
    const [message] = await all(client.fetch(path, '1:*', { envelope: true }))
    expect(message.envelope?.subject).toBe('A plan')
    const [batch] = await all(client.sync(path, null))
    expect(batch.added).toHaveLength(1)
    const denied = { code: 'ACCESS_DENIED', category: 'permission', action: 'ask-admin' }
    expect(await failing(client.append(path, mailOf('x')))).toMatchObject(denied)
    expect(await failing(client.deleteMailbox(path))).toMatchObject(denied)
    expect(await failing(client.addFlags(path, 1, ['\\Flagged']))).toMatchObject({ category: 'permission' })
    ben.close()
  })
})
