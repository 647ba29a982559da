import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { parseMessage, type SmtpClient } from '../index'
import { failing } from './failing'
import { Recorder } from './recorder'

/* BDAT (RFC 3030), byte for byte at a recording server; the protocol's corners: crates/smtp/tests/chunks.rs. */

const FROM = 'ada@contoso.example'
const TO = 'ben@contoso.example'
const OCTETS = Buffer.from(Array.from({ length: 400_000 }, (_, i) => (i * 7919 + (i >> 8)) % 256))

let server: Recorder
const clients: SmtpClient[] = []

beforeAll(async () => {
  server = await Recorder.start({ extensions: ['PIPELINING', 'SIZE 60000000', '8BITMIME', 'CHUNKING', 'BINARYMIME'] })
})
afterAll(async () => {
  for (const client of clients) await client.close()
  await server.stop()
})

async function connect(chunking: boolean | 'binary'): Promise<SmtpClient> {
  const client = await server.connect({ chunking })
  clients.push(client)
  server.clear()
  return client
}

const message = { from: FROM, to: TO, text: '.\n.\nend', attachments: [{ filename: 'a.bin', content: OCTETS }] }

describe('chunking', () => {
  test.each([
    [false, 'DATA', 'base64'],
    [true, 'BDAT', 'base64'],
    ['binary', 'BDAT', 'binary'],
  ] as const)('%s: by %s, attachments in %s', async (chunking, by, encoding) => {
    const client = await connect(chunking)
    const { bytes } = await client.send(message)
    const [taken] = server.messages
    expect([taken.by, taken.data.length]).toEqual([by, bytes])
    expect(taken.data.toString('latin1')).toContain(`Content-Transfer-Encoding: ${encoding}\r\n`)
    expect(taken.parameters).toContain(`SIZE=${bytes}`)
    expect(taken.parameters.includes('BODY=BINARYMIME')).toBe(encoding === 'binary')
    if (encoding === 'binary') expect(bytes).toBeLessThan(OCTETS.length + 2000)
    const parsed = await parseMessage(taken.data, { attachments: 'content' })
    expect(parsed.attachments[0].content?.equals(OCTETS)).toBe(true)
    expect(parsed.text?.trimEnd().replaceAll('\r\n', '\n')).toBe('.\n.\nend')
  })

  test('at 40 ms a large message takes two round trips, whatever its size', async () => {
    server.options.roundTripMs = 40
    const client = await connect(true)
    await client.send({ ...message, attachments: [{ filename: 'a.bin', content: Buffer.alloc(5_000_000, 7) }] })
    expect(server.said('BDAT').length).toBeGreaterThan(30)
    // Everything behind the envelope flows: what the timer cuts into flights comes without waiting for a reply.
    const before = server.flights
    expect(before).toBeLessThan(15)
    server.clear()
    await client.send({ ...message, attachments: [] })
    expect(server.flights).toBe(2)
    server.options.roundTripMs = 0
  })

  test('sendMany', async () => {
    const client = await connect('binary')
    const codes = []
    for await (const { error } of client.sendMany([message, message, message])) codes.push(error)
    expect(codes).toEqual([null, null, null])
    expect(server.messages.map(({ by }) => by)).toEqual(['BDAT', 'BDAT', 'BDAT'])
    expect(server.said('DATA')).toEqual([])
  })

  test.each(['yes', 1, {}])('%s is refused', async (chunking) => {
    const error = await failing(server.connect({ chunking: chunking as never }))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', category: 'argument' })
  })
})
