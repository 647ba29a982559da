import { expect } from 'vitest'

import { many, silence, answered, type Case } from './case'
import { envelopeOf, rowOf } from './honest'

const fetching = (name: string, says: Case['script']['says'] extends infer S ? NonNullable<S>[string] : never) => ({
  name,
  script: { says: { 'UID FETCH': says } },
})

const KB = 'x'.repeat(1024)

/** Those of which the server gives no row: they are there, and come degraded. */
const OTHERS = [6, 9].map((uid) => ({ uid, degraded: expect.anything() }))

/** Literals that lie about their length, and too many of them (RFC 9051 §4.3). */
export const literals: Case[] = [
  {
    ...fetching('a literal of 4 GB', answered('* 1 FETCH (UID 5 BODY[] {4294967295}')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a literal of 4 GB that is sent', async (peer) => {
      await peer.send('* 1 FETCH (UID 5 BODY[] {4294967295}\r\n')
      await peer.flood(KB, 200 << 20)
    }),
    call: 'source',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a literal beyond 64 bits', answered('* 1 FETCH (UID 5 BODY[] {99999999999999999999}')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a literal of 2^64 - 1', answered('* 1 FETCH (UID 5 BODY[] {18446744073709551615}')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a negative literal', answered('* 1 FETCH (UID 5 BODY[] {-1}')),
    call: 'flags',
    code: 'PROTOCOL_VIOLATION',
  },
  {
    ...fetching('a literal without length', answered('* 1 FETCH (UID 5 BODY[] {}')),
    call: 'flags',
    code: 'PROTOCOL_VIOLATION',
  },
  {
    ...fetching('a literal8 without length', answered('* 1 FETCH (UID 5 BINARY[] ~{}')),
    call: 'flags',
    code: 'PROTOCOL_VIOLATION',
  },
  {
    ...fetching('a hexadecimal literal', answered('* 1 FETCH (UID 5 BODY[] {0x10}')),
    call: 'flags',
    code: 'OK',
    check: ({ value }) => expect(value).toMatchObject([{ uid: 5, degraded: expect.anything() }, ...OTHERS]),
  },
  {
    ...fetching('a literal8 where a literal belongs', answered(`* 1 FETCH (UID 5 BODY[] ~{3}\r\na\0b)`)),
    call: 'one',
    code: 'OK',
  },
  {
    ...fetching('an oversize literal whose bytes are commands', async (peer) => {
      await peer.send('* 1 FETCH (UID 5 FLAGS () BODY[] {52428801}\r\n')
      await peer.flood('{tag} OK done\r\n', 1 << 20)
    }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a literal of 49 MB where ten bytes were due', async (peer) => {
      await peer.send('* 1 FETCH (UID 5 FLAGS () BODY[] {49283072}\r\n')
      await peer.flood(KB, 49283072)
      await peer.send(')\r\n{tag} OK done\r\n')
    }),
    call: 'flags',
    code: ['LIMIT_EXCEEDED', 'OK'],
  },
  {
    ...fetching('a literal announced and never sent', silence('* 1 FETCH (UID 5 BODY[] {52428800}\r\n')),
    call: 'source',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    ...fetching('a literal as long as its limit, and the cut', async (peer) => {
      await peer.send('* 1 FETCH (UID 5 BODY[] {52428800}\r\nabc')
      peer.close()
    }),
    call: 'flags',
    code: 'OK',
  },
  {
    ...fetching('a hundred thousand empty literals', many(100_000, '{0}\r\n', '* 1 FETCH (', ')\r\n')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    ...fetching('a million literals of one byte', many(1_000_000, ' {1}\r\na', '* 1 FETCH (FLAGS (', '))\r\n')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'literals in a LIST without end',
    script: { says: { LIST: many(100_000, ' {1}\r\na', '* LIST (', ') "/" x\r\n') } },
    call: 'list',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'a literal in a greeting',
    script: { greeting: '* OK {5}\r\nhello ready\r\n' },
    call: 'status',
    code: ['OK', 'PROTOCOL_VIOLATION', 'TIMEOUT'],
    timeoutMs: 3000,
    again: null,
  },
  {
    name: 'a literal of 4 GB in a greeting',
    script: { greeting: '* OK {4294967295}\r\n' },
    call: 'status',
    code: ['LIMIT_EXCEEDED', 'PROTOCOL_VIOLATION', 'OK'],
    timeoutMs: 3000,
    again: null,
  },
  {
    ...fetching('a literal of 4 GB in a completion', '{tag} OK [COPYUID {4294967295}\r\n'),
    call: 'flags',
    code: ['LIMIT_EXCEEDED', 'PROTOCOL_VIOLATION', 'OK'],
    timeoutMs: 3000,
  },
  {
    ...fetching(
      'quoted text that looks like a literal',
      answered(`* 1 FETCH (UID 5 ENVELOPE (NIL "{5}" ${'NIL '.repeat(7)}NIL) FLAGS ())`),
    ),
    call: 'rows',
    code: 'OK',
    check: ({ value }) => expect(value).toMatchObject([{ uid: 5, envelope: { subject: '{5}' } }, ...OTHERS]),
  },
  {
    ...fetching('a literal in an envelope that holds a completion', (peer) => {
      const evil = `${peer.tag} OK done\r\n* 2 FETCH (UID 6 FLAGS ())`
      const envelope = envelopeOf(5).replace('"Mail 5"', `{${evil.length}}\r\n${evil}`)
      return peer.send(`* 1 FETCH (UID 5 FLAGS () ENVELOPE ${envelope})\r\n${peer.tag} OK done\r\n`)
    }),
    call: 'rows',
    code: 'OK',
    check: ({ value }) => expect(value).toMatchObject([{ uid: 5 }, ...OTHERS]),
  },
  {
    ...fetching('a body that holds a completion', (peer) => {
      const evil = `${peer.tag} OK done\r\n* 3 FETCH (UID 9 BODY[] {3}\r\nabc)\r\n`
      const row = `* 1 FETCH (UID 5 RFC822.SIZE ${evil.length} FLAGS () BODY[] {${evil.length}}\r\n${evil})\r\n`
      return peer.send(`${row}${peer.tag} OK done\r\n`)
    }),
    call: 'one',
    code: 'OK',
    check: ({ value }) => expect(value).toMatchObject({ uid: 5 }),
  },
  {
    ...fetching('a literal one byte shorter than what is sent', (peer) =>
      peer.send(rowOf(1, 5, 'BODY[]').replace(/\{(\d+)\}/, (_, n) => `{${n - 1}}`) + `${peer.tag} OK done\r\n`),
    ),
    call: 'one',
    code: ['OK', 'PROTOCOL_VIOLATION', 'INCOMPLETE_MESSAGE'],
    timeoutMs: 3000,
  },
]
