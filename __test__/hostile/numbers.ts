import { expect } from 'vitest'

import { answered, type Case } from './case'
import { envelopeOf, rowOf } from './honest'

const fetched = (name: string, data: string, code: Case['code'], check?: Case['check'], call = 'rows'): Case => ({
  name,
  script: { says: { 'UID FETCH': answered(data) } },
  call,
  code,
  check,
})
const examined = (name: string, data: string, code: Case['code'] = 'OK', call = 'flags'): Case => ({
  name,
  script: { says: { EXAMINE: answered(data), SELECT: answered(data) } },
  call,
  code,
})
/** All there are: those of which the server gives no row come degraded. */
const ALL = [5, 6, 9]
const uidsOf = (uids: number[]): Case['check'] => {
  return ({ value }) => expect((value as { uid: number }[]).map(({ uid }) => uid)).toEqual(uids)
}

/** Numbers that fit nowhere, and ranges that must never be expanded. */
export const numbers: Case[] = [
  examined('EXISTS of four billion', '* 4000000000 EXISTS\r\n* OK [UIDVALIDITY 77] ok', ['OK', 'LIMIT_EXCEEDED']),
  examined(
    'newest of four billion',
    '* 4000000000 EXISTS\r\n* OK [UIDVALIDITY 77] ok',
    ['OK', 'LIMIT_EXCEEDED'],
    'newest',
  ),
  examined('EXISTS beyond 32 bits', '* 4294967296 EXISTS\r\n* 3 EXISTS'),
  examined('EXISTS beyond 64 bits', '* 99999999999999999999 EXISTS\r\n* 3 EXISTS'),
  examined('a negative EXISTS', '* -1 EXISTS\r\n* 3 EXISTS'),
  examined('UIDVALIDITY 0 and UIDNEXT 0', '* 3 EXISTS\r\n* OK [UIDVALIDITY 0] x\r\n* OK [UIDNEXT 0] x'),
  examined('UIDVALIDITY beyond 32 bits', '* 3 EXISTS\r\n* OK [UIDVALIDITY 4294967296] x'),
  examined('UIDNEXT that lies', '* 3 EXISTS\r\n* OK [UIDVALIDITY 77] x\r\n* OK [UIDNEXT 2] x', 'OK', 'newest'),
  examined('HIGHESTMODSEQ beyond 64 bits', '* 3 EXISTS\r\n* OK [HIGHESTMODSEQ 99999999999999999999999] x'),
  fetched('everything vanished', '* VANISHED 1:4294967295', 'OK', uidsOf([])),
  fetched('everything vanished earlier', '* VANISHED (EARLIER) 1:4294967295,1:4294967295', 'OK', uidsOf(ALL)),
  fetched('UID 0', '* 1 FETCH (UID 0 FLAGS ())\r\n* 1 FETCH (UID 5 FLAGS ())', 'OK', uidsOf(ALL), 'flags'),
  fetched('a UID beyond 2^53', '* 1 FETCH (UID 9007199254740993 FLAGS ())', ['OK', 'PROTOCOL_VIOLATION']),
  fetched('a UID beyond 2^64', '* 1 FETCH (UID 99999999999999999999 FLAGS ())', ['OK', 'PROTOCOL_VIOLATION']),
  fetched(
    'sizes beyond 2^53 and 2^64',
    '* 1 FETCH (UID 5 RFC822.SIZE 9007199254740993 FLAGS ())\r\n* 2 FETCH (UID 6 RFC822.SIZE 99999999999999999999 FLAGS ())',
    'OK',
    uidsOf(ALL),
  ),
  fetched(
    'a size beyond 2^64 before a whole message',
    `* 1 FETCH (UID 5 RFC822.SIZE 99999999999999999999 BODY[] {3}\r\nabc)`,
    ['OK', 'INCOMPLETE_MESSAGE'],
    undefined,
    'source',
  ),
  fetched('a MODSEQ beyond 2^63', '* 1 FETCH (UID 5 MODSEQ (18446744073709551615) FLAGS ())', 'OK', uidsOf(ALL)),
  fetched('a MODSEQ beyond 2^64', '* 1 FETCH (UID 5 MODSEQ (99999999999999999999) FLAGS ())', 'OK', uidsOf(ALL)),
  fetched(
    'part sizes beyond 2^64',
    '* 1 FETCH (UID 5 BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 99999999999999999999 -3))',
    'OK',
    uidsOf(ALL),
  ),
  fetched('the year 99999', '* 1 FETCH (UID 5 INTERNALDATE "99-Foo-99999 99:99:99 +9999" FLAGS ())', 'OK', uidsOf(ALL)),
  fetched('the year 0', '* 1 FETCH (UID 5 INTERNALDATE "01-Jan-0000 00:00:00 -1400" FLAGS ())', 'OK', uidsOf(ALL)),
  fetched('a sequence number of 0', '* 0 FETCH (UID 5 FLAGS ())\r\n* 0 EXPUNGE', 'OK', undefined, 'flags'),
  {
    name: 'a range that would be four billion search results',
    script: {
      capabilities: 'IMAP4rev1 ESEARCH',
      says: { 'UID SEARCH': answered('* ESEARCH (TAG "{tag}") UID ALL 1:4294967295') },
    },
    call: 'search',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'search results that are no numbers',
    script: { says: { 'UID SEARCH': answered('* SEARCH 5 99999999999999999999 x -5 6') } },
    call: 'search',
    code: ['OK', 'PROTOCOL_VIOLATION'],
  },
  {
    name: 'counters beyond 2^64',
    script: {
      says: { STATUS: answered('* STATUS "INBOX" (MESSAGES 99999999999999999999 UNSEEN -1 UIDNEXT 0 UIDVALIDITY x)') },
    },
    call: 'status',
    code: ['OK', 'PROTOCOL_VIOLATION'],
  },
  {
    name: 'COPYUID with ranges of four billion',
    script: { says: { 'UID COPY': '{tag} OK [COPYUID 77 1:4294967295 1:4294967295] done\r\n' } },
    call: 'copy',
    code: 'OK',
    check: ({ value }) => expect(JSON.stringify(value).length).toBeLessThan(300),
  },
  {
    name: 'COPYUID whose sides differ',
    script: { says: { 'UID COPY': '{tag} OK [COPYUID 77 5:9 1] done\r\n' } },
    call: 'copy',
    code: 'OK',
  },
  {
    name: 'APPENDUID that is none',
    script: { says: { APPEND: '{tag} OK [APPENDUID 0 99999999999999999999] done\r\n' } },
    call: 'append',
    code: 'OK',
  },
  {
    name: 'duplicate UIDs',
    script: {
      says: {
        'UID FETCH': (peer) =>
          peer.send(
            `${rowOf(1, 5, 'FLAGS ENVELOPE')}${rowOf(2, 5, 'FLAGS ENVELOPE')}${rowOf(1, 5, 'FLAGS')}{tag} OK done\r\n`,
          ),
      },
    },
    call: 'rows',
    code: 'OK',
    check: uidsOf(ALL),
  },
  {
    name: 'the same message a thousand times',
    script: {
      says: { 'UID FETCH BODY.PEEK[]': (peer) => peer.send(`${rowOf(1, 5, 'BODY[]').repeat(1000)}{tag} OK done\r\n`) },
    },
    call: 'one',
    code: 'OK',
  },
  {
    name: 'rows in descending order, one twice, one that was not asked for',
    script: {
      says: {
        'UID FETCH': (peer) =>
          peer.send(
            [9, 6, 5, 6].map((uid) => `* 1 FETCH (UID ${uid} FLAGS () ENVELOPE ${envelopeOf(uid)})\r\n`).join('') +
              '{tag} OK done\r\n',
          ),
      },
    },
    call: 'rows',
    code: 'OK',
    check: uidsOf(ALL),
  },
]
