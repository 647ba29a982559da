import { expect } from 'vitest'

import { cut, answered, type Case } from './case'
import { answerOf, mailOf, rowOf } from './honest'
import type { Peer } from './server'

const typedOrRow = ['OK', 'PROTOCOL_VIOLATION', 'INCOMPLETE_MESSAGE']

/** The honest rows, changed. */
const changed =
  (change: (row: string) => string) => async (peer: Peer, command: { tag: string; name: string; args: string }) => {
    const { text } = answerOf(command, { early: '', late: '' })
    await peer.send(text.replace(/^\* \d+ FETCH [\s\S]*?(?=^\* \d+ FETCH |^\S+ OK)/gm, change))
  }
const degradedBody: Case['check'] = ({ value }) =>
  expect(value).toMatchObject([5, 6, 9].map((uid) => ({ uid, degraded: expect.anything() })))

/** Answers to something else, or to nothing. */
const tags: Case[] = [
  {
    name: 'a wrong tag',
    script: { says: { 'UID FETCH': 'A9999 OK never asked\r\n' } },
    call: 'flags',
    code: 'PROTOCOL_VIOLATION',
  },
  {
    name: 'no tag',
    script: { says: { 'UID FETCH': ' OK done\r\n' } },
    call: 'flags',
    timeoutMs: 2000,
    code: ['PROTOCOL_VIOLATION', 'TIMEOUT'],
  },
  {
    name: 'a tag in other letters',
    script: { says: { 'UID FETCH': (peer) => peer.send(`${peer.tag.toLowerCase()} OK done\r\n`) } },
    call: 'flags',
    code: 'PROTOCOL_VIOLATION',
  },
  {
    name: 'completed twice',
    script: { says: { 'UID FETCH': '{tag} OK done\r\n{tag} OK done\r\n' } },
    call: 'flags',
    // There were no rows: it is asked which messages there are, and the second completion is in the way.
    code: 'PROTOCOL_VIOLATION',
  },
  {
    name: 'commands completed before they were written',
    script: {
      says: {
        EXAMINE: (peer) => {
          const n = Number(/\d+/.exec(peer.tag)![0])
          const next = (i: number) => peer.tag.replace(/\d+/, (digits) => String(n + i).padStart(digits.length, '0'))
          return peer.send(
            `* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n${peer.tag} OK done\r\n${[1, 2, 3].map((i) => `${next(i)} OK done\r\n`).join('')}`,
          )
        },
      },
    },
    call: 'store',
    code: ['PROTOCOL_VIOLATION', 'OK'],
  },
  {
    name: 'an unknown status',
    script: { says: { 'UID FETCH': '{tag} MAYBE\r\n' } },
    call: 'flags',
    timeoutMs: 2500,
    code: ['PROTOCOL_VIOLATION', 'TIMEOUT', 'COMMAND_REJECTED'],
  },
  {
    name: 'PREAUTH in the middle',
    script: { says: { 'UID FETCH': answered('* PREAUTH as somebody else') } },
    call: 'flags',
    code: ['OK', 'PROTOCOL_VIOLATION'],
  },
  {
    name: 'a completion with nothing else',
    script: { says: { 'UID FETCH': '{tag}\r\n' } },
    call: 'flags',
    timeoutMs: 2500,
    code: ['PROTOCOL_VIOLATION', 'TIMEOUT', 'COMMAND_REJECTED'],
  },
  {
    name: 'a web server',
    script: { raw: (peer) => peer.send('HTTP/1.1 400 Bad Request\r\n\r\n'), connections: 9 },
    call: 'connect',
    code: 'PROTOCOL_VIOLATION',
    again: null,
  },
  {
    name: 'an SMTP server',
    script: { raw: (peer) => peer.send('220 mail.example ESMTP\r\n'), connections: 9 },
    call: 'connect',
    code: 'PROTOCOL_VIOLATION',
    again: null,
  },
  {
    name: 'a POP3 server',
    script: { raw: (peer) => peer.send('+OK POP3 ready\r\n'), connections: 9 },
    call: 'connect',
    code: 'PROTOCOL_VIOLATION',
    again: null,
  },
  {
    name: 'noise',
    script: {
      raw: async (peer) => {
        await peer.send(Buffer.alloc(5000, '\xff\0\r\n\x01{9}(', 'latin1'))
        peer.close()
      },
      connections: 9,
    },
    call: 'connect',
    code: ['PROTOCOL_VIOLATION', 'CONNECTION_LOST'],
    again: null,
  },
  {
    name: 'noise in a session',
    script: { says: { 'UID FETCH': Buffer.from('\0\0\xff\xfe\r\n\x01\x02(\r\n)\r\n*\r\n* \r\n+\r\n', 'latin1') } },
    call: 'flags',
    timeoutMs: 2000,
    code: ['PROTOCOL_VIOLATION', 'TIMEOUT', 'LIMIT_EXCEEDED'],
  },
  {
    name: 'a completion that answers the login before it came',
    script: { greeting: '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\nA0001 OK in\r\nA0002 OK in\r\n' },
    call: 'status',
    timeoutMs: 6000,
    code: ['OK', 'PROTOCOL_VIOLATION', 'TIMEOUT', 'CONNECTION_LOST'],
    again: null,
  },
]

/** Contents that are not what they were said to be. */
const contents: Case[] = [
  {
    name: 'RFC822.SIZE far too small',
    script: {
      says: { 'UID FETCH': changed((row) => row.replace(/RFC822\.SIZE \d+/, 'RFC822.SIZE 1')) },
      connections: 9,
    },
    call: 'source',
    code: 'OK',
    check: ({ value }) =>
      expect(value).toMatchObject([5, 6, 9].map((uid) => ({ uid, source: { bytes: mailOf(uid).length } }))),
  },
  {
    name: 'RFC822.SIZE far too large',
    script: {
      says: { 'UID FETCH': changed((row) => row.replace(/RFC822\.SIZE \d+/, 'RFC822.SIZE 40000000')) },
      connections: 9,
    },
    call: 'source',
    code: 'OK',
    check: ({ value }) =>
      expect(value).toMatchObject([5, 6, 9].map((uid) => ({ uid, source: { bytes: mailOf(uid).length } }))),
  },
  {
    name: 'RFC822.SIZE of 4 GB',
    script: {
      says: { 'UID FETCH': changed((row) => row.replace(/RFC822\.SIZE \d+/, 'RFC822.SIZE 4294967295')) },
      connections: 9,
    },
    call: 'source',
    code: 'OK',
    // Not asked for: `download` reads what is too large for memory.
    check: ({ value }) =>
      expect(value).toMatchObject(
        [5, 6, 9].map((uid) => ({ uid, source: null, degraded: { code: 'LIMIT_EXCEEDED' } })),
      ),
  },
  {
    name: 'a download of a message said to be 4 GB',
    script: {
      says: { 'UID FETCH': changed((row) => row.replace(/RFC822\.SIZE \d+/, 'RFC822.SIZE 4294967295')) },
      connections: 9,
    },
    call: 'download',
    code: ['OK', 'INCOMPLETE_MESSAGE'],
    check: ({ code, value }) => code === 'OK' && expect(value).toEqual({ bytes: mailOf(5).length }),
  },
  {
    name: 'a partial that is ignored, of a large message',
    script: {
      connections: 9,
      says: {
        'UID FETCH': async (peer) => {
          await peer.send(`* 1 FETCH (UID 5 RFC822.SIZE 3145728 BODY[] {3145728}\r\n`)
          await peer.flood('x'.repeat(65536), 3145728)
          await peer.send(')\r\n{tag} OK done\r\n')
        },
      },
    },
    call: 'download',
    code: 'OK',
    check: ({ value }) => expect(value).toEqual({ bytes: 3145728 }),
  },
  {
    name: 'a partial that brings the same window for ever',
    script: {
      connections: 9,
      says: {
        'UID FETCH': async (peer) => {
          await peer.send(`* 1 FETCH (UID 5 RFC822.SIZE 4294967295 BODY[]<0> {524288}\r\n`)
          await peer.flood('x'.repeat(65536), 524288)
          await peer.send(')\r\n{tag} OK done\r\n')
        },
      },
    },
    call: 'download',
    code: ['OK', 'INCOMPLETE_MESSAGE', 'PROTOCOL_VIOLATION', 'LIMIT_EXCEEDED'],
  },
  {
    name: 'a partial without an end',
    script: {
      connections: 9,
      says: {
        'UID FETCH': async (peer, { args }) => {
          const [, from, octets] = /<(\d+)\.(\d+)>/.exec(args)!
          await peer.send(`* 1 FETCH (UID 5 RFC822.SIZE 10 BODY[]<${from}> {${octets}}\r\n`)
          await peer.flood('x'.repeat(65536), Number(octets))
          await peer.send(')\r\n{tag} OK done\r\n')
        },
      },
    },
    call: 'download of at most 8 MB',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'more octets than the window has',
    script: { says: { 'UID FETCH': answered(`* 1 FETCH (UID 5 RFC822.SIZE 3 BODY[]<7> {3}\r\nabc)`) } },
    call: 'download',
    code: ['OK', 'INCOMPLETE_MESSAGE', 'PROTOCOL_VIOLATION'],
  },
  {
    name: 'OK and no row',
    // It finds the message when it is searched for.
    script: { says: { 'UID FETCH': '{tag} OK done\r\n' }, connections: 9 },
    call: 'one',
    code: 'OK',
    check: ({ value }) => expect(value).toMatchObject({ uid: 5, degraded: { code: 'INCOMPLETE_MESSAGE' } }),
  },
  {
    name: 'OK and no row, and nothing found',
    script: {
      says: { 'UID FETCH': '{tag} OK done\r\n', 'UID SEARCH': '* SEARCH\r\n{tag} OK done\r\n' },
      connections: 9,
    },
    call: 'one',
    code: 'OK',
    check: ({ value }) => expect(value).toBeNull(),
  },
  {
    name: 'OK and rows without content',
    script: {
      connections: 9,
      says: { 'UID FETCH BODY.PEEK[]': '{tag} OK done\r\n', 'UID FETCH BODY.PEEK': '{tag} OK done\r\n' },
    },
    call: 'source',
    code: 'OK',
    check: degradedBody,
  },
  {
    name: 'a body that is NIL',
    script: {
      connections: 9,
      says: { 'UID FETCH BODY.PEEK': changed((row) => row.replace(/BODY\[[\s\S]*/, 'BODY[] NIL)\r\n')) },
    },
    call: 'source',
    code: 'OK',
    check: degradedBody,
  },
  {
    name: "Exchange's stub body",
    script: {
      connections: 9,
      says: {
        'UID FETCH': changed((row) =>
          row.replace(/BODY\[\] \{\d+\}[\s\S]*/, () => {
            const stub =
              "From: x\r\nSubject: y\r\n\r\nThe server couldn't retrieve the following message:\r\n\r\nSubject: Mail\r\n"
            return `BODY[] {${stub.length}}\r\n${stub})\r\n`
          }),
        ),
      },
    },
    call: 'source',
    code: 'OK',
    check: degradedBody,
  },
  ...['FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'ENVELOPE', 'BODYSTRUCTURE', 'UID', 'MODSEQ', 'BODY[HEADER]'].map(
    (item): Case => ({
      name: `${item} NIL`,
      script: { connections: 9, says: { 'UID FETCH': answered(`* 1 FETCH (UID 5 FLAGS (\\Seen) ${item} NIL)`) } },
      call: 'rows',
      code: 'OK',
    }),
  ),
  {
    name: 'a list of NIL',
    script: {
      connections: 9,
      says: { LIST: answered('* LIST NIL NIL NIL\r\n* LIST (NIL) NIL ""\r\n* LIST () "" NIL\r\n* NIL') },
    },
    call: 'list',
    code: typedOrRow,
  },
  {
    name: 'a STATUS of NIL',
    script: { connections: 9, says: { STATUS: answered('* STATUS NIL NIL\r\n* STATUS "INBOX" (MESSAGES NIL)') } },
    call: 'status',
    code: typedOrRow,
  },
  {
    name: 'a SEARCH of NIL',
    script: { connections: 9, says: { 'UID SEARCH': answered('* SEARCH NIL') } },
    call: 'search',
    code: typedOrRow,
  },
  {
    name: 'a row of NIL',
    script: {
      connections: 9,
      says: { 'UID FETCH': answered('* 1 FETCH NIL\r\n* NIL FETCH (UID 5)\r\n* 1 FETCH (NIL NIL)') },
    },
    call: 'rows',
    code: typedOrRow,
  },
  {
    name: 'rows that break off',
    script: {
      connections: 9,
      says: {
        'UID FETCH': answered(
          '* FETCH\r\n* 1 FETCH\r\n* 1 FETCH (UID\r\n* 1 FETCH (UID 5 FLAGS (\r\n* 1 FETCH (UID 5 ENVELOPE ("',
        ),
      },
    },
    call: 'rows',
    code: typedOrRow,
  },
  {
    name: 'names of mailboxes that nobody can write',
    script: {
      says: {
        LIST: answered(
          '* LIST () "/" "&"\r\n* LIST () "/" "&AAAA-\x01"\r\n* LIST () "/" "&2D3-"\r\n* LIST () "//" "a\\"b"\r\n* LIST () "/" "../../x"',
        ),
      },
    },
    call: 'list',
    code: 'OK',
  },
  {
    name: 'a mailbox list with NUL',
    script: { says: { LIST: answered('* LIST () "/" "a\0b"\r\n* LIST () "\0" b') } },
    call: 'list',
    code: typedOrRow,
  },
  {
    name: 'messages expunged under the fetch',
    script: {
      says: {
        'UID FETCH': answered(
          '* 1 FETCH (UID 5 FLAGS ())\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 1 EXPUNGE\r\n* 7 EXPUNGE',
        ),
      },
    },
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'UIDVALIDITY that changes within a session',
    script: { says: { 'UID FETCH': answered('* OK [UIDVALIDITY 78] changed\r\n* 1 FETCH (UID 5 FLAGS ())') } },
    call: 'flags',
    code: ['OK', 'UIDVALIDITY_CHANGED'],
  },
]

/** Extensions that are offered and then not there. */
const capabilities: Case[] = [
  ['IDLE', 'IDLE', 'watch', ['ABORTED']],
  ['MOVE', 'UID MOVE', 'move', ['COMMAND_REJECTED', 'OK']],
  ['UIDPLUS', 'UID EXPUNGE', 'delete', ['COMMAND_REJECTED']],
  ['ESEARCH', 'UID SEARCH', 'search', ['COMMAND_REJECTED', 'OK']],
  ['LIST-STATUS LIST-EXTENDED SPECIAL-USE', 'LIST', 'list with status', ['COMMAND_REJECTED', 'OK']],
  ['COMPRESS=DEFLATE', 'COMPRESS', 'status', ['OK']],
  ['ENABLE UTF8=ACCEPT CONDSTORE QRESYNC', 'ENABLE', 'status', ['OK']],
  ['ID', 'ID', 'status', ['OK']],
  ['NAMESPACE', 'NAMESPACE', 'create', ['OK']],
  ['UNSELECT', 'UNSELECT', 'status', ['OK']],
].map(([words, command, call, code]) => ({
  name: `${words as string} offered and refused`,
  script: {
    capabilities: `IMAP4rev1 ${words as string}`,
    says: { [command as string]: '{tag} BAD unknown\r\n' },
    connections: 9,
  },
  call: call as string,
  code: code as string[],
  timeoutMs: call === 'watch' ? 1500 : undefined,
}))

const offers: Case[] = [
  {
    name: 'LITERAL+ offered, and the literal refused',
    script: { capabilities: 'IMAP4rev1 LITERAL+', says: { APPEND: '{tag} NO [TRYCREATE] none\r\n' } },
    call: 'append',
    code: 'MAILBOX_NOT_FOUND',
  },
  {
    name: 'SASL-IR offered and ignored',
    script: { says: { AUTHENTICATE: async (peer) => void (await peer.send('+ \r\n')) }, connections: 9 },
    call: 'connect',
    timeoutMs: 2500,
    code: ['TIMEOUT', 'AUTHENTICATION_FAILED', 'PROTOCOL_VIOLATION', 'CONNECTION_LOST'],
    again: null,
  },
  {
    name: 'challenges without end',
    script: {
      says: { AUTHENTICATE: async (peer) => void (await peer.flood('+ eyJzdGF0dXMiOiI0MDAifQ==\r\n', 20 << 20)) },
      connections: 9,
    },
    call: 'connect',
    timeoutMs: 4000,
    code: ['TIMEOUT', 'AUTHENTICATION_FAILED', 'PROTOCOL_VIOLATION', 'CONNECTION_LOST', 'LIMIT_EXCEEDED'],
    again: null,
  },
  {
    name: 'no capabilities at all',
    script: { greeting: '* OK ready\r\n', says: { CAPABILITY: '{tag} OK done\r\n' }, connections: 9 },
    call: 'status',
    code: ['OK', 'MECHANISM_UNAVAILABLE', 'PROTOCOL_VIOLATION'],
    again: null,
  },
  {
    name: 'CAPABILITY refused',
    script: { greeting: '* OK ready\r\n', says: { CAPABILITY: '{tag} NO no\r\n' }, connections: 9 },
    call: 'connect',
    code: ['COMMAND_REJECTED', 'PROTOCOL_VIOLATION'],
    again: null,
  },
  {
    name: 'a go-ahead that nobody waits for',
    script: { says: { 'UID FETCH': cut('+ OK\r\n+ \r\n+\r\n') } },
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'a LOGIN disabled after the greeting',
    script: { early: 'IMAP4rev1 LOGINDISABLED' },
    call: 'connect',
    code: 'MECHANISM_UNAVAILABLE',
    again: null,
  },
  {
    name: 'a row for another message than the one asked for',
    script: {
      connections: 9,
      says: { 'UID FETCH': (peer) => peer.send(`${rowOf(3, 9, 'FLAGS BODY.PEEK[]')}{tag} OK done\r\n`) },
    },
    call: 'one',
    code: ['OK', 'INCOMPLETE_MESSAGE'],
    check: ({ value }) => expect((value as { uid?: number } | null)?.uid).not.toBe(9),
  },
]

export const lies: Case[] = [...tags, ...contents, ...capabilities, ...offers]
