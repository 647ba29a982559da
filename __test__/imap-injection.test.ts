// Injection (hazard B): everything evil in every string that a caller can pass. Nothing of it is ever a second command: it
// is refused before a byte is sent, or it arrives as what it is.

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import { decodeUtf7 } from '../simulator/imap/utf7.js'
import { startServer, type HostileServer } from './hostile/server'
import { commandsOf, type Sent } from './hostile/strict'

const VALUES = [
  'a\rX1 XEVIL',
  'a\nX1 XEVIL',
  'a\r\nX1 XEVIL\r\n',
  '\r\n',
  'a\0b',
  'a{9+}\r\nX1 XEVIL',
  '{9+}',
  'a{9}',
  '{3}',
  '~{3}',
  'grüße',
  '你好',
  '😀',
  'a\x01b',
  'a\x7fb',
  'a\x80b',
  'a\u0085b',
  'a\u2028b',
  'a\ud800b',
  '\ufeffa',
  '"',
  'a" XEVIL "b',
  '\\',
  'a\\"b',
  'a\\',
  'a b',
  ' ',
  'a\tb',
  '%*',
  '*',
  '1:*',
  'a) XEVIL (b',
  '(',
  ')',
  'a]b',
  'BODY[]',
  'NIL',
  'INBOX',
  'OR ALL',
  '&AA0ACg-',
  '&',
  '+ go on',
  '__proto__',
  'x'.repeat(9_000),
] as const
/** A line can not hold these, in whatever form. */
const isDeadly = (value: string) => /[\r\n\0]/.test(value)

const MAIL = Buffer.from('Subject: x\r\n\r\ny\r\n')
const FLAGS = { flags: true }

/** How the value may arrive: as a string of its own, as the name of a mailbox, or as an atom. */
type Form = 'text' | 'mailbox' | 'atom' | 'pattern'
type Argument = [name: string, form: Form, call: (client: ImapClient, value: string) => Promise<unknown>]

const search = (name: string, form: Form, query: (value: string) => object): Argument => [
  `search ${name}`,
  form,
  (client, value) => client.search('INBOX', query(value)),
]

const ARGUMENTS: Argument[] = [
  ['list pattern', 'pattern', (client, pattern) => client.list({ pattern })],
  ['status', 'mailbox', (client, path) => client.status(path)],
  ['create', 'mailbox', (client, path) => client.create(path)],
  ['create special use', 'atom', (client, specialUse) => client.create('x', { specialUse: specialUse as never })],
  ['rename from', 'mailbox', (client, path) => client.rename(path, 'x')],
  ['rename to', 'mailbox', (client, path) => client.rename('x', path)],
  ['deleteMailbox', 'mailbox', (client, path) => client.deleteMailbox(path)],
  ['search path', 'mailbox', (client, path) => client.search(path, {})],
  ...(['from', 'to', 'cc', 'bcc', 'subject', 'body', 'text'] as const).map((key) =>
    search(key, 'text', (value) => ({ [key]: value })),
  ),
  search('header name', 'atom', (value) => ({ header: Object.fromEntries([[value, 'x']]) })),
  search('header name alone', 'atom', (value) => ({ header: Object.fromEntries([[value, true]]) })),
  search('header value', 'text', (value) => ({ header: { 'x-a': value } })),
  search('keyword', 'atom', (keyword) => ({ keyword })),
  search('uid', 'atom', (uid) => ({ uid })),
  search('modSeq', 'atom', (modSeq) => ({ modSeq })),
  search('gmailRaw', 'text', (gmailRaw) => ({ gmailRaw })),
  search('or', 'text', (value) => ({ or: [{ subject: value }, { not: { body: value } }] })),
  search('largerThan', 'atom', (value) => ({ largerThan: value as never })),
  search('since', 'atom', (value) => ({ since: value as never })),
  ['fetch path', 'mailbox', (client, path) => first(client.fetch(path, '1:*', FLAGS))],
  ['fetch uids', 'atom', (client, uids) => first(client.fetch('INBOX', uids, FLAGS))],
  ['fetch uids in a list', 'atom', (client, uid) => first(client.fetch('INBOX', [uid] as never, FLAGS))],
  ['fetch newest', 'atom', (client, newest) => first(client.fetch('INBOX', { newest } as never, FLAGS))],
  ['fetch headers', 'atom', (client, name) => first(client.fetch('INBOX', '1:*', { headers: [name] }))],
  ['fetchOne path', 'mailbox', (client, path) => client.fetchOne(path, 5, FLAGS)],
  ['fetchOne uid', 'atom', (client, uid) => client.fetchOne('INBOX', uid as never, FLAGS)],
  [
    'fetchOne uidValidity',
    'atom',
    (client, value) => client.fetchOne('INBOX', 5, FLAGS, { uidValidity: value as never }),
  ],
  ['download path', 'mailbox', (client, path) => first(client.download(path, 5))],
  ['download part', 'atom', (client, part) => first(client.download('INBOX', 5, { part }))],
  ['download uid', 'atom', (client, uid) => first(client.download('INBOX', uid as never))],
  ['addFlags path', 'mailbox', (client, path) => client.addFlags(path, 5, ['\\Seen'])],
  ['addFlags uids', 'atom', (client, uids) => client.addFlags('INBOX', uids, ['\\Seen'])],
  ['addFlags flag', 'atom', (client, flag) => client.addFlags('INBOX', 5, [flag])],
  ['addFlags system flag', 'atom', (client, flag) => client.addFlags('INBOX', 5, [`\\${flag}`])],
  ['removeFlags flag', 'atom', (client, flag) => client.removeFlags('INBOX', 5, ['\\Seen', flag])],
  ['setFlags flag', 'atom', (client, flag) => client.setFlags('INBOX', 5, [flag])],
  ['copy path', 'mailbox', (client, path) => client.copy(path, 5, 'x')],
  ['copy uids', 'atom', (client, uids) => client.copy('INBOX', uids, 'x')],
  ['copy destination', 'mailbox', (client, path) => client.copy('INBOX', 5, path)],
  ['move path', 'mailbox', (client, path) => client.move(path, 5, 'x')],
  ['move uids', 'atom', (client, uids) => client.move('INBOX', uids, 'x')],
  ['move destination', 'mailbox', (client, path) => client.move('INBOX', 5, path)],
  ['delete path', 'mailbox', (client, path) => client.delete(path, 5)],
  ['delete uids', 'atom', (client, uids) => client.delete('INBOX', uids)],
  ['append path', 'mailbox', (client, path) => client.append(path, MAIL)],
  ['append flag', 'atom', (client, flag) => client.append('INBOX', MAIL, { flags: [flag] })],
  ['append message', 'text', (client, text) => client.append('INBOX', Buffer.from(text))],
  ['append date', 'atom', (client, date) => client.append('INBOX', MAIL, { internalDate: date as never })],
  ['replace path', 'mailbox', (client, path) => client.replace(path, 5, MAIL)],
  ['replace flag', 'atom', (client, flag) => client.replace('INBOX', 5, MAIL, { flags: [flag] })],
  ['replace uid', 'atom', (client, uid) => client.replace('INBOX', uid as never, MAIL)],
  ['watch', 'mailbox', (client, path) => watched(client, path)],
]

const BASE = 'IMAP4rev1 UIDPLUS MOVE UNSELECT ID CONDSTORE X-GM-EXT-1 CREATE-SPECIAL-USE SPECIAL-USE'
const SERVERS = {
  'without extensions': { early: 'IMAP4rev1 SASL-IR AUTH=PLAIN AUTH=XOAUTH2', capabilities: 'IMAP4rev1' },
  'with synchronising literals': { capabilities: BASE },
  'with LITERAL+': { capabilities: `${BASE} LITERAL+ ESEARCH LIST-EXTENDED` },
  'with LITERAL- and UTF8=ACCEPT': { capabilities: `${BASE} LITERAL- ENABLE UTF8=ACCEPT` },
  'of IMAP4rev2': {
    capabilities: `IMAP4rev2 ${BASE} LITERAL- ENABLE`,
    early: 'IMAP4rev2 IMAP4rev1 SASL-IR AUTH=PLAIN',
  },
}

describe.each(Object.entries(SERVERS))('injection into a server %s', (_name, script) => {
  let server: HostileServer
  beforeAll(async () => {
    server = await startServer({ ...script, connections: 0 }, { key: '', cert: '' })
  })
  afterAll(() => server?.stop())

  test.each(ARGUMENTS)('%s', async (_argument, form, call) => {
    const own = server.streams.length
    /** What this test's connections said; fails when anything is outside the grammar. */
    const sent = () => server.streams.slice(own).flatMap(commandsOf)
    const client = await ImapClient.connect(options(server, { user: 'ada', password: 'x' }))
    // What the login leaves to be said has arrived when this is answered.
    await client.status('INBOX')
    // What an honest value leads to; a refusal of it, too.
    await call(client, 'x1').catch(() => {})
    for (const value of VALUES) {
      const before = sent().length
      const error = await call(client, value).then(
        () => null,
        (reason) => reason,
      )
      const commands = sent().slice(before)
      const what = JSON.stringify({ value, commands, error: error?.message })
      if (error?.category === 'argument') expect(commands, what).toEqual([])
      else if (isDeadly(value) && _argument !== 'append message')
        expect(error, what).toMatchObject({ category: 'argument' })
      expect(commands.flatMap(({ verb }) => verb).join(), what).not.toMatch(/XEVIL|LOGOUT/)
      if (error === null) expect(arrives(commands, value, form), what).toBe(true)
    }
    expect(await client.status('INBOX')).toMatchObject({ messages: 3 })
    client.close()
  })

  test.each([
    ['user', (value: string) => ({ auth: { user: value, password: 'x' } })],
    ['password', (value: string) => ({ auth: { user: 'ada', password: value } })],
    ['token', (value: string) => ({ auth: { user: 'ada', accessToken: value } })],
    ['token of a callback', (value: string) => ({ auth: { user: 'ada', accessToken: async () => value } })],
    ['ID name', (value: string) => ({ clientId: Object.fromEntries([[value, 'x']]) })],
    ['ID value', (value: string) => ({ clientId: { name: value } })],
    ['host', (value: string) => ({ host: value })],
  ])('connect: %s', async (argument, more) => {
    for (const value of VALUES) {
      const before = server.streams.length
      const error = await ImapClient.connect({
        ...options(server, { user: 'ada', password: 'x' }),
        ...more(value),
      }).then(
        (client) => client.logout(),
        (reason) => reason,
      )
      const streams = server.streams.slice(before)
      const what = JSON.stringify({ value, streams, error: error?.message })
      for (const stream of streams) {
        const verbs = commandsOf(stream).map(({ verb }) => verb)
        expect(
          verbs.filter((verb) => !/^(CAPABILITY|AUTHENTICATE|ID|ENABLE|NAMESPACE|NOOP|LOGOUT)$/.test(verb)),
          what,
        ).toEqual([])
        expect(new Set(verbs).size, what).toBe(verbs.length)
      }
      if (isDeadly(value) || (value.includes('\x01') && /user|token/.test(argument))) {
        expect(error, what).toMatchObject({ name: 'MailError' })
        expect(streams.join(''), what).not.toContain('AUTHENTICATE')
      }
      if (error?.category === 'argument') expect(streams.join(''), what).not.toContain('AUTHENTICATE')
    }
  })
})

function options(server: HostileServer, auth: { user: string; password: string }) {
  return { host: '127.0.0.1', port: server.port, tls: 'none' as const, proxy: null, auth, timeoutMs: 10_000 }
}

/** Whether some argument is the value, and nothing but it. */
function arrives(commands: Sent[], value: string, form: Form): boolean {
  const tokens = commands.flatMap(({ tokens }) => tokens)
  // Half a character is none; what becomes of it is nobody's concern.
  if (/\p{Surrogate}/u.test(value) || commands.length === 0) return true
  const utf8 = tokens.map((token) => Buffer.from(token, 'latin1').toString())
  if (form === 'text') return utf8.includes(value)
  if (form === 'atom') return utf8.some((token) => token.includes(value) || token.includes(value.toLowerCase()))
  return utf8.includes(value) || tokens.some((token) => decodeUtf7(token) === value)
}

async function first(items: AsyncIterable<unknown>) {
  for await (const item of items) return item
  return null
}

async function watched(client: ImapClient, path: string) {
  const abort = new AbortController()
  const watching = first(client.watch(path, { signal: abort.signal }))
  setTimeout(() => abort.abort(), 30)
  return watching.catch((error) => {
    if (error.code !== 'ABORTED') throw error
  })
}
