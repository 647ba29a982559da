import { expect } from 'vitest'

import { cut, answered, type Case } from './case'
import type { HostileServer, Script } from './server'

/** No byte of a credential in clear. */
const secretive = (_told: unknown, { clear, commands }: HostileServer) => {
  const said = `${clear.join('')}${commands.map(({ name }) => name).join(' ')}`
  expect(said).not.toMatch(/AUTHENTICATE|LOGIN|AGFkYQ|s3cr3t/)
}

const starttls = (name: string, script: Script, code: Case['code']): Case => ({
  name,
  script: { tls: 'starttls', connections: 9, ...script },
  call: 'connect',
  timeoutMs: 4000,
  code,
  again: null,
  check: secretive,
})

/** Hazards A: from clear text to TLS, and TLS itself. */
export const tls: Case[] = [
  { name: 'STARTTLS by an honest server is none of them', script: { tls: 'starttls' }, call: 'status', code: 'OK' },
  starttls(
    'STARTTLS injection',
    { says: { STARTTLS: '{tag} OK go\r\n* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\n' } },
    'STARTTLS_INJECTION',
  ),
  starttls(
    'STARTTLS injection of a greeting',
    { says: { STARTTLS: '{tag} OK go\r\n* OK ready\r\nA0001 OK in\r\n' } },
    'STARTTLS_INJECTION',
  ),
  starttls('PREAUTH before STARTTLS', { greeting: '* PREAUTH [CAPABILITY IMAP4rev1 STARTTLS] you are in\r\n' }, [
    'STARTTLS_INJECTION',
    'STARTTLS_UNAVAILABLE',
    'PROTOCOL_VIOLATION',
  ]),
  starttls(
    'STARTTLS missing',
    {
      greeting: '* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n',
      says: { CAPABILITY: answered('* CAPABILITY IMAP4rev1 AUTH=PLAIN'), STARTTLS: '{tag} BAD unknown\r\n' },
    },
    'STARTTLS_UNAVAILABLE',
  ),
  starttls('STARTTLS refused with NO', { says: { STARTTLS: '{tag} NO not today\r\n' } }, 'STARTTLS_UNAVAILABLE'),
  starttls('STARTTLS refused with BAD', { says: { STARTTLS: '{tag} BAD what\r\n' } }, 'STARTTLS_UNAVAILABLE'),
  starttls('BYE to STARTTLS', { says: { STARTTLS: cut('* BYE no\r\n') } }, ['CONNECTION_LOST', 'STARTTLS_UNAVAILABLE']),
  starttls('silence to STARTTLS', { says: { STARTTLS: '' } }, 'TIMEOUT'),
  starttls(
    'STARTTLS answered before it was asked for',
    {
      greeting: '* OK [CAPABILITY IMAP4rev1 STARTTLS] ready\r\nA1 OK go\r\nA0001 OK go\r\na1 OK go\r\n1 OK go\r\n',
      says: { STARTTLS: '' },
    },
    ['STARTTLS_INJECTION', 'PROTOCOL_VIOLATION'],
  ),
  starttls('a wrong tag to STARTTLS', { says: { STARTTLS: 'X9 OK go\r\n' } }, [
    'STARTTLS_INJECTION',
    'PROTOCOL_VIOLATION',
    'STARTTLS_UNAVAILABLE',
  ]),
  starttls(
    'clear text after STARTTLS',
    {
      says: {
        STARTTLS: async (peer) => {
          await peer.send('{tag} OK go\r\n')
          setTimeout(() => void peer.send('* OK still here\r\n'.repeat(20)), 50)
        },
      },
    },
    ['TLS_FAILED', 'STARTTLS_INJECTION'],
  ),
  starttls('the end instead of a handshake', { says: { STARTTLS: cut('{tag} OK go\r\n') } }, [
    'TLS_FAILED',
    'CONNECTION_LOST',
  ]),
  starttls(
    'a flood before STARTTLS',
    { greeting: async (peer) => void (await peer.flood('* OK [ALERT] x\r\n', 30 << 20)) },
    ['STARTTLS_INJECTION', 'PROTOCOL_VIOLATION', 'LIMIT_EXCEEDED', 'STARTTLS_UNAVAILABLE', 'TIMEOUT'],
  ),
  starttls(
    'a greeting without end before STARTTLS',
    {
      greeting: async (peer) => {
        await peer.send('* OK ')
        await peer.flood('x', 100 << 20)
      },
    },
    ['LIMIT_EXCEEDED', 'PROTOCOL_VIOLATION', 'STARTTLS_INJECTION'],
  ),
  {
    name: 'capabilities of before TLS are forgotten',
    script: {
      tls: 'starttls',
      greeting: '* OK [CAPABILITY IMAP4rev1 STARTTLS AUTH=PLAIN SASL-IR X-EVIL] ready\r\n',
      says: { CAPABILITY: answered('* CAPABILITY IMAP4rev1 LOGINDISABLED') },
      connections: 9,
    },
    call: 'connect',
    code: ['MECHANISM_UNAVAILABLE', 'STARTTLS_UNAVAILABLE'],
    again: null,
    check: secretive,
  },
  {
    name: 'PREAUTH under TLS',
    script: { tls: 'implicit', greeting: '* PREAUTH [CAPABILITY IMAP4rev1] as whom\r\n', connections: 9 },
    call: 'connect',
    code: 'PROTOCOL_VIOLATION',
    again: null,
    check: secretive,
  },
  {
    name: 'clear text on the TLS port',
    script: { tls: 'none', connections: 9 },
    call: 'connect over TLS',
    code: 'TLS_FAILED',
    again: null,
    check: secretive,
  },
  {
    name: 'TLS cut off without a farewell in the middle of a row',
    script: {
      tls: 'implicit',
      says: {
        'UID FETCH': async (peer) => {
          await peer.send('* 1 FETCH (UID 5 FLAGS ())\r\n* 2 FETCH (UID')
          setTimeout(() => peer.reset(), 50)
        },
      },
    },
    call: 'flags',
    code: 'OK',
    check: ({ value }) => expect(value).toHaveLength(3),
  },
  {
    name: 'noise instead of a handshake',
    script: { tls: 'none', raw: (peer) => peer.send(Buffer.alloc(100_000, 0x16)), connections: 9 },
    call: 'connect over TLS',
    code: 'TLS_FAILED',
    again: null,
  },
  {
    name: 'silence instead of a handshake',
    script: { tls: 'none', raw: () => {}, connections: 9 },
    call: 'connect over TLS',
    timeoutMs: 1500,
    code: 'TIMEOUT',
    again: null,
  },
]
