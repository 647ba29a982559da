import { constants, deflateRawSync } from 'node:zlib'

import { expect } from 'vitest'

import type { Case } from './case'
import type { Peer } from './server'

const packed = (data: string | Buffer, finishFlush = constants.Z_SYNC_FLUSH) => deflateRawSync(data, { finishFlush })

/** What is said once COMPRESS is answered; whatever the client says then, nobody reads it. */
const behind = (say: (peer: Peer) => Promise<unknown>): Case['script'] => ({
  capabilities: 'IMAP4rev1 COMPRESS=DEFLATE',
  says: {
    COMPRESS: async (peer) => {
      await say(peer)
      await new Promise(() => {})
    },
  },
})

/** A thousandth on the wire: the same block again and again, as its window holds what it ends with. */
const bomb = (text: string, before = '') => {
  const [start, block] = [packed(before), packed(text.repeat((16 << 20) / text.length))]
  return async (peer: Peer) => {
    await peer.send('{tag} OK active\r\n')
    await peer.send(start)
    await peer.flood(block, 64 << 20)
  }
}

const EVIL = '* 3 EXISTS\r\nA0003 OK done\r\nA0004 OK done\r\n* 1 FETCH (UID 5 FLAGS (\\Evil))\r\nA0005 OK done\r\n'

const harmless: Case['check'] = ({ value }) => expect(JSON.stringify(value ?? null)).not.toContain('Evil')

const cases: Case[] = [
  { name: 'a bomb in one line', script: behind(bomb('xxxxxxxx', '* OK ')), call: 'flags', code: 'LIMIT_EXCEEDED' },
  {
    name: 'a bomb of lines',
    script: behind(bomb('* 3 EXISTS\r\n')),
    call: 'flags',
    timeoutMs: 4000,
    code: ['LIMIT_EXCEEDED', 'TIMEOUT'],
  },
  {
    name: 'a bomb in a literal',
    script: behind(bomb('xxxxxxxx', '* 1 FETCH (UID 5 BODY[] {52000000}\r\n')),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'clear text behind the OK of COMPRESS',
    script: behind((peer) => peer.send(`{tag} OK active\r\n${EVIL}`)),
    call: 'flags',
    // As compressed data it means nothing yet.
    timeoutMs: 1500,
    code: ['TIMEOUT', 'PROTOCOL_VIOLATION'],
    check: harmless,
  },
  {
    name: 'noise behind the OK of COMPRESS',
    script: behind(async (peer) => {
      await peer.send('{tag} OK active\r\n')
      await peer.send(Buffer.alloc(5000, 0xff))
    }),
    call: 'flags',
    code: ['PROTOCOL_VIOLATION', 'OK'],
  },
  {
    name: 'clear text behind the end of the compressed stream',
    script: behind(async (peer) => {
      await peer.send('{tag} OK active\r\n')
      await peer.send(Buffer.concat([packed('* 3 EXISTS\r\n', constants.Z_FINISH), Buffer.from(EVIL)]))
    }),
    call: 'flags',
    code: ['PROTOCOL_VIOLATION', 'OK'],
    check: harmless,
  },
  {
    name: 'silence behind the OK of COMPRESS',
    script: behind((peer) => peer.send('{tag} OK active\r\n')),
    call: 'flags',
    timeoutMs: 1500,
    code: 'TIMEOUT',
  },
  {
    name: 'a literal of 4 GB, compressed',
    script: behind(async (peer) => {
      await peer.send('{tag} OK active\r\n')
      await peer.send(packed('* 1 FETCH (UID 5 BODY[] {4294967295}\r\n'))
    }),
    call: 'flags',
    code: 'LIMIT_EXCEEDED',
  },
  {
    name: 'OK to COMPRESS before it was asked for',
    script: {
      capabilities: 'IMAP4rev1 COMPRESS=DEFLATE',
      says: { AUTHENTICATE: `{tag} OK [CAPABILITY IMAP4rev1 COMPRESS=DEFLATE] in\r\nA0002 OK active\r\n` },
    },
    call: 'flags',
    code: ['PROTOCOL_VIOLATION', 'OK', 'CONNECTION_LOST', 'TIMEOUT'],
    timeoutMs: 4000,
  },
]

/** COMPRESS=DEFLATE (RFC 4978), asked for from the first command on. */
export const deflate: Case[] = cases.map((one) => ({ ...one, options: { compress: true } }))
