import { expect } from 'vitest'

import { isRelease } from '../build'
import { endless, many, answered, type Case, type Told } from './case'

/** A debug build takes ten times as long for a line: it gets a tenth of them. */
const MILLION = isRelease ? 1_000_000 : 100_000
const untagged = (says: Case['script']['says']) => ({ script: { says } })

/** Of three real messages. */
const threeOrLimit = ({ code, value }: Told) => {
  if (code === 'OK') expect((value as unknown[]).length).toBeLessThanOrEqual(3)
}

/** Lines without end, nesting without end, lines without number. */
export const floods: Case[] = [
  { name: 'a line without end', ...untagged({ 'UID FETCH': endless('x') }), call: 'flags', code: 'LIMIT_EXCEEDED' },
  {
    name: 'an untagged line without end',
    ...untagged({ 'UID FETCH': endless('a ', '* X-NEW ') }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a completion without end',
    ...untagged({ 'UID FETCH': endless('x', '{tag} OK ') }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a continuation without end',
    ...untagged({ 'APPEND +': endless('x', '+ ') }),
    call: 'append',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a greeting without end',
    script: { greeting: endless('x', '* OK '), connections: 9 },
    call: 'connect',
    code: 'LIMIT_EXCEEDED',
    again: null,
  },
  {
    name: 'spaces without end',
    ...untagged({ 'UID FETCH': endless(' ', '* 1 FETCH (UID 5') }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a quoted string without end',
    ...untagged({ 'UID FETCH': endless('x', '* 1 FETCH (UID 5 ENVELOPE (NIL "') }),
    call: 'rows',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a SEARCH without end',
    ...untagged({ 'UID SEARCH': endless(' 1', '* SEARCH') }),
    call: 'search',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'five million search results',
    ...untagged({ 'UID SEARCH': many(5_000_000, ' 1', '* SEARCH', '\r\n') }),
    call: 'search',
    code: ['OK', 'LIMIT_EXCEEDED'],
  },
  { name: 'a LIST without end', ...untagged({ LIST: endless('a', '* LIST (') }), call: 'list', code: 'LIMIT_EXCEEDED' },
  {
    name: 'bare line feeds without end',
    ...untagged({ 'UID FETCH': endless('* 1 EXISTS\n') }),
    call: 'flags',
    code: ['LIMIT_EXCEEDED', 'TIMEOUT', 'CONNECTION_LOST', 'PROTOCOL_VIOLATION'],
    timeoutMs: 6000,
  },
  {
    name: 'a million parentheses in a BODYSTRUCTURE',
    ...untagged({ 'UID FETCH': many(1_000_000, '(', '* 1 FETCH (UID 5 BODYSTRUCTURE ', '\r\n') }),
    call: 'rows',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a million parentheses in an ENVELOPE',
    ...untagged({ 'UID FETCH': many(1_000_000, '(', '* 1 FETCH (UID 5 ENVELOPE ', '\r\n') }),
    call: 'rows',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a million parentheses behind an unknown word',
    ...untagged({ 'UID FETCH': many(1_000_000, '(', '* X-NEW ', '\r\n') }),
    call: 'rows',
    code: ['LIMIT_EXCEEDED', 'OK'],
  },
  {
    name: 'a million parentheses in a LIST',
    ...untagged({ LIST: many(1_000_000, '(', '* LIST ', '\r\n') }),
    call: 'list',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a million parentheses in a STATUS',
    ...untagged({ STATUS: many(1_000_000, '(', '* STATUS INBOX ', '\r\n') }),
    call: 'status',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a million parentheses in a response code',
    ...untagged({ EXAMINE: many(1_000_000, '(', '* OK [PERMANENTFLAGS ', '] x\r\n') }),
    call: 'flags',
    code: ['LIMIT_EXCEEDED', 'OK'],
  },
  {
    name: 'a million parentheses before login',
    script: { greeting: many(1_000_000, '(', '* OK [CAPABILITY ', '\r\n'), connections: 9 },
    call: 'connect',
    code: ['LIMIT_EXCEEDED', 'OK', 'PROTOCOL_VIOLATION', 'TIMEOUT'],
    timeoutMs: 3000,
    again: null,
  },
  {
    name: 'a million closing parentheses',
    ...untagged({ 'UID FETCH': many(1_000_000, ')', '* 1 FETCH (UID 5 FLAGS ()', '\r\n') }),
    call: 'flags',
    code: ['OK', 'LIMIT_EXCEEDED', 'PROTOCOL_VIOLATION'],
  },
  {
    name: 'a BODYSTRUCTURE of 64 levels is none of them',
    ...untagged({
      'UID FETCH': answered(
        `* 1 FETCH (UID 5 BODYSTRUCTURE ${'('.repeat(64)}"text" "plain" NIL NIL NIL "7bit" 9 1${') "mixed"'.repeat(63)}))`,
      ),
    }),
    call: 'rows',
    code: 'OK',
    check: ({ value }) => {
      let [{ bodyStructure: part }] = value as { bodyStructure: { type: string; children: never[] } }[]
      let levels = 1
      for (; part.children.length > 0; levels++) [part] = part.children
      expect([levels, part.type]).toEqual([64, 'text/plain'])
    },
  },
  {
    name: 'a hundred thousand parts side by side',
    ...untagged({
      'UID FETCH': many(
        100_000,
        '("a" "b" NIL NIL NIL "7bit" 1)',
        '* 1 FETCH (UID 5 BODYSTRUCTURE (',
        ' "mixed"))\r\n',
      ),
    }),
    call: 'rows',
    code: ['OK', 'LIMIT_EXCEEDED'],
  },
  {
    name: 'a million EXISTS',
    ...untagged({ 'UID FETCH': many(MILLION, '* 3 EXISTS\r\n') }),
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'a million EXPUNGE',
    ...untagged({ 'UID FETCH': many(MILLION, '* 1 EXPUNGE\r\n') }),
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'a million unknown lines',
    ...untagged({ 'UID FETCH': many(MILLION, '* X-NEW a\r\n') }),
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'a million continuations',
    ...untagged({ 'UID FETCH': many(MILLION, '+ go on\r\n') }),
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'a million rows without UID',
    ...untagged({ 'UID FETCH': many(MILLION, '* 1 FETCH (FLAGS (\\Seen))\r\n') }),
    call: 'flags',
    code: ['OK', 'LIMIT_EXCEEDED'],
    check: threeOrLimit,
  },
  {
    name: 'a million rows of messages that are not there',
    ...untagged({
      'UID FETCH': async (peer) => {
        for (let n = 1; n < MILLION && peer.alive; n += 1000) {
          const rows = Array.from({ length: 1000 }, (_, i) => `* ${n + i} FETCH (UID ${n + i} FLAGS ())\r\n`)
          if (!(await peer.send(rows.join('')))) return
        }
        await peer.send('{tag} OK done\r\n')
      },
    }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a hundred thousand mailboxes',
    ...untagged({ LIST: many(100_000, '* LIST () "/" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\r\n') }),
    call: 'list',
    code: ['OK', 'LIMIT_EXCEEDED'],
  },
  {
    name: 'half a million mailboxes',
    ...untagged({ LIST: many(MILLION / 2, '* LIST () "/" "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"\r\n') }),
    call: 'list',
    // Debug builds hear a tenth: less than the limit, and one mailbox.
    code: isRelease ? 'LIMIT_EXCEEDED' : 'OK',
    check: ({ code, value }) => {
      if (code === 'OK') expect(value).toHaveLength(1)
    },
  },
  {
    name: 'half a million mailboxes, each another one',
    ...untagged({
      LIST: async (peer) => {
        for (let n = 0; n < 500_000 && peer.alive; n += 1000) {
          const lines = Array.from({ length: 1000 }, (_, i) => `* LIST () "/" "mailbox number ${n + i}"\r\n`)
          if (!(await peer.send(lines.join('')))) return
        }
        await peer.send('{tag} OK done\r\n')
      },
    }),
    call: 'list',
    code: isRelease ? 'LIMIT_EXCEEDED' : ['LIMIT_EXCEEDED', 'TIMEOUT'],
  },
  {
    name: 'a million capabilities',
    ...untagged({ AUTHENTICATE: many(1_000_000, ' X', '* CAPABILITY IMAP4rev1', '\r\n') }),
    call: 'status',
    code: ['OK', 'LIMIT_EXCEEDED', 'CONNECTION_LOST'],
  },
  {
    name: 'a million flags',
    ...untagged({ 'UID FETCH': many(1_000_000, ' a', '* 1 FETCH (UID 5 FLAGS (x', '))\r\n') }),
    call: 'flags',
    code: ['OK', 'LIMIT_EXCEEDED'],
  },
  {
    name: 'a million lines before login',
    script: {
      greeting: async (peer) =>
        peer.send(`* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n${'* 1 EXISTS\r\n'.repeat(MILLION)}`),
    },
    call: 'status',
    code: ['OK', 'PROTOCOL_VIOLATION', 'LIMIT_EXCEEDED', 'TIMEOUT'],
  },
  {
    name: 'lines without end and no completion',
    ...untagged({ 'UID FETCH': endless('* 1 EXISTS\r\n* X-NEW a\r\n') }),
    call: 'flags',
    timeoutMs: 2500,
    code: ['TIMEOUT', 'LIMIT_EXCEEDED', 'CONNECTION_LOST'],
  },
  {
    name: 'a flood while IDLE lasts',
    ...{
      script: {
        capabilities: 'IMAP4rev1 IDLE',
        says: { IDLE: endless('* 3 EXISTS\r\n* 4 EXISTS\r\n', '+ idling\r\n') },
      },
    },
    call: 'watch',
    timeoutMs: 2000,
    code: 'OK',
  },
  {
    name: 'a flood while the client writes',
    ...untagged({ 'APPEND +': endless('* 3 EXISTS\r\n') }),
    call: 'append',
    timeoutMs: 4000,
    code: ['PROTOCOL_VIOLATION', 'TIMEOUT', 'LIMIT_EXCEEDED'],
  },
]
