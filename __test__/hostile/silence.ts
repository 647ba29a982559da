import { setTimeout as sleep } from 'node:timers/promises'

import { expect } from 'vitest'

import { cut, silence, answered, type Case } from './case'
import type { Peer } from './server'

const EXPIRED = '* BYE Session invalidated - AccessTokenExpired\r\n'
const slowly = (data: string) => async (peer: Peer) => {
  for (const byte of data) {
    if (!(await peer.send(byte))) return
    await sleep(1000)
  }
}
const whole: Case['check'] = ({ value }) =>
  expect((value as { uid: number }[]).map(({ uid }) => uid)).toEqual([5, 6, 9])

/** Silence, drops of bytes, farewells: at every moment. */
export const silences: Case[] = [
  {
    name: 'silence at the greeting',
    script: { greeting: silence(), connections: 9 },
    call: 'connect',
    timeoutMs: 1500,
    code: 'TIMEOUT',
    again: null,
  },
  {
    name: 'silence after the login',
    script: { says: { AUTHENTICATE: silence() }, connections: 9 },
    call: 'connect',
    timeoutMs: 1500,
    code: 'TIMEOUT',
    again: null,
  },
  {
    name: 'silence to CAPABILITY',
    script: { greeting: '* OK ready\r\n', says: { CAPABILITY: silence() }, connections: 9 },
    call: 'connect',
    timeoutMs: 1500,
    code: 'TIMEOUT',
    again: null,
  },
  {
    name: 'silence to EXAMINE',
    script: { says: { EXAMINE: silence() } },
    call: 'flags',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    name: 'silence in a literal',
    script: { says: { 'UID FETCH': silence('* 1 FETCH (UID 5 BODY[] {100}\r\nabc') } },
    call: 'one',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    name: 'silence in a download',
    script: { says: { 'UID FETCH': silence('* 1 FETCH (UID 5 BODY[]<0> {100}\r\nabc') } },
    call: 'download',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    name: 'silence before the go-ahead of a literal',
    script: { says: { 'APPEND +': silence() } },
    call: 'append',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    name: 'silence in IDLE, and in the call that ends it',
    script: { capabilities: 'IMAP4rev1 IDLE', says: { DONE: silence() } },
    call: 'watch',
    timeoutMs: 1500,
    code: 'ABORTED',
  },
  {
    name: 'silence to LOGOUT',
    script: { says: { LOGOUT: silence() } },
    call: 'logout',
    timeoutMs: 5000,
    code: 'OK',
    again: null,
  },
  {
    name: 'one byte a second',
    script: { says: { 'UID FETCH': slowly('* 1 FETCH (UID 5 FLAGS ())\r\n') } },
    call: 'flags',
    timeoutMs: 2500,
    code: 'TIMEOUT',
  },
  {
    name: 'a greeting of one byte a second',
    script: { greeting: slowly('* OK [CAPABILITY IMAP4rev1] ready\r\n'), connections: 9 },
    call: 'connect',
    timeoutMs: 2500,
    code: 'TIMEOUT',
    again: null,
  },
  {
    name: 'BYE as the greeting',
    script: { greeting: cut('* BYE too many connections\r\n'), connections: 9 },
    call: 'connect',
    timeoutMs: 8000,
    code: ['CONNECTION_LOST', 'RATE_LIMITED'],
    again: null,
  },
  {
    name: 'BYE as the first greeting only',
    script: { greeting: cut('* BYE not now\r\n') },
    call: 'connect',
    code: ['OK', 'CONNECTION_LOST'],
    again: null,
  },
  {
    name: 'BYE to the login',
    script: { says: { AUTHENTICATE: cut('* BYE not you\r\n') }, connections: 9 },
    call: 'connect',
    code: 'CONNECTION_LOST',
    again: null,
  },
  {
    name: 'BYE to EXAMINE',
    script: { says: { EXAMINE: cut('* BYE gone\r\n') } },
    call: 'flags',
    code: 'OK',
    check: whole,
  },
  {
    name: 'BYE between two rows',
    script: { says: { 'UID FETCH': cut('* 1 FETCH (UID 5 FLAGS ())\r\n* BYE gone\r\n') } },
    call: 'flags',
    code: 'OK',
    check: whole,
  },
  {
    name: 'BYE and no end of the connection',
    script: { says: { 'UID FETCH': '* BYE gone\r\n' } },
    call: 'flags',
    code: 'OK',
    check: whole,
  },
  {
    name: 'expiry in mid-FETCH',
    script: { says: { 'UID FETCH': cut(`* 1 FETCH (UID 5 FLAGS ())\r\n${EXPIRED}`) } },
    call: 'flags',
    code: 'OK',
    check: whole,
  },
  {
    name: 'expiry between whole messages',
    script: { says: { 'UID FETCH BODY.PEEK[]': cut(`* 1 FETCH (UID 5 BODY[] {3}\r\nabc)\r\n${EXPIRED}`) } },
    call: 'source',
    code: 'OK',
    check: whole,
  },
  {
    name: 'expiry within a literal',
    script: { says: { 'UID FETCH BODY.PEEK[]': cut(`* 1 FETCH (UID 5 BODY[] {100}\r\nabc`) } },
    call: 'source',
    code: 'OK',
    check: whole,
  },
  {
    name: 'every connection says BYE to the fetch',
    script: { says: { 'UID FETCH': cut('* BYE gone\r\n') }, connections: 99 },
    call: 'flags',
    code: 'CONNECTION_LOST',
    again: null,
  },
  {
    name: 'throttled, with a time to wait',
    script: {
      says: {
        'UID FETCH': cut(
          '{tag} BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds\r\n* BYE Connection closed.\r\n',
        ),
      },
    },
    call: 'flags',
    code: 'RATE_LIMITED',
    again: null,
    check: ({ retryAfterMs }) => expect(retryAfterMs).toBe(299961),
  },
  {
    name: 'a farewell that throttles for longer than a life',
    script: { says: { 'UID FETCH': cut('* BYE Suggested Backoff Time: 18446744073709551615 milliseconds\r\n') } },
    call: 'flags',
    code: ['RATE_LIMITED', 'OK'],
    again: null,
  },
  {
    name: 'BYE while IDLE lasts',
    script: { capabilities: 'IMAP4rev1 IDLE', says: { IDLE: cut('+ idling\r\n* BYE Connection closed.\r\n') } },
    call: 'watch',
    timeoutMs: 8000,
    code: 'OK',
    check: ({ value }) => expect(value).toEqual({ path: 'INBOX', type: 'reconnected' }),
  },
  {
    name: 'BYE while nobody asks',
    script: {
      says: {
        NOOP: answered(''),
        EXAMINE: (peer) => peer.send(`* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n${peer.tag} OK done\r\n`),
        'UID FETCH': cut('{tag} OK nothing\r\n* BYE gone\r\n'),
      },
    },
    call: 'flags',
    code: 'OK',
  },
  {
    name: 'reset in the middle of a row',
    script: {
      says: {
        'UID FETCH': async (peer) => {
          await peer.send('* 1 FETCH (UID 5 FL')
          await sleep(50)
          peer.reset()
        },
      },
    },
    call: 'flags',
    code: 'OK',
    check: whole,
  },
  {
    name: 'an APPEND whose answer never came is not repeated',
    script: { says: { APPEND: cut('') } },
    call: 'append',
    code: 'CONNECTION_LOST',
    check: (_told, server) => expect(server.commands.filter(({ name }) => name === 'APPEND')).toHaveLength(1),
  },
]
