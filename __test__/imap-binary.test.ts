// Small parts that the server decodes (RFC 3516): byte for byte what the encoded part holds, whatever is wrong with it.

import { randomBytes } from 'node:crypto'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

import { afterAll, beforeAll, expect, test } from 'vitest'

import { ImapClient } from '../index'
import { type Backend, imap, imapOptions, onImap } from './backends'
import { all } from './failing'

/** Counts what the server sends. */
class Meter {
  bytes = 0
  connections = 0
  readonly #sockets = new Set<Socket>()
  readonly #server: Server

  constructor(port: number) {
    this.#server = createServer((client) => {
      this.connections++
      const server = connect(port, '127.0.0.1')
      for (const socket of [client, server]) {
        this.#sockets.add(socket)
        socket.on('error', () => {})
        socket.on('close', () => (socket === client ? server : client).destroy())
      }
      server.on('data', (data) => (this.bytes += data.length))
      client.pipe(server).pipe(client)
    })
  }

  async listen(): Promise<number> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.#server.close()
  }
}

function mail(encoding: string, body: string): Buffer {
  const lines = ['From: ada@contoso.example', 'Subject: Encoded', 'MIME-Version: 1.0']
  lines.push('Content-Type: multipart/mixed; boundary=b1', '', '--b1', 'Content-Type: text/plain', '', 'Hi', '--b1')
  lines.push('Content-Type: application/octet-stream; name=a.bin', `Content-Transfer-Encoding: ${encoding}`, '')
  return Buffer.from([...lines, body, '--b1--', ''].join('\r\n'), 'latin1')
}

function base64(content: Buffer): string {
  return content.toString('base64').replace(/.{76}/g, '$&\r\n')
}

const PATH = 'INBOX'

onImap('parts that the server decodes', (backend: Backend) => {
  let meter: Meter
  let port: number
  let writer: ImapClient
  beforeAll(async () => {
    meter = new Meter(backend.imap.port!)
    port = await meter.listen()
    writer = await imap(backend, 'download')
  })
  afterAll(async () => {
    await writer?.logout()
    meter.close()
  })

  const reader = () => ImapClient.connect({ ...imapOptions(backend, 'download'), port, compress: false })
  const part = async (client: ImapClient, uid: number) =>
    Buffer.concat(await all(client.download(PATH, uid, { part: '2' })))

  test.each([
    [300_000, true],
    [2_500_000, true],
    [2_500_000, false],
  ])('%i random bytes are the same, with fewer on the wire; structure known: %s', async (length, known) => {
    const content = randomBytes(length)
    const encoded = base64(content)
    const { uid } = await writer.append(PATH, mail('base64', encoded))
    const client = await reader()
    expect(client.capabilities).toContain('BINARY')
    if (known) await client.fetchOne(PATH, uid!, { bodyStructure: true })
    const before = meter.bytes
    expect((await part(client, uid!)).equals(content)).toBe(true)
    const saved = encoded.length - (meter.bytes - before)
    expect(saved / encoded.length).toBeGreaterThan(known ? 0.23 : 0.17)
    await client.logout()
  })

  test('a part beyond the bound comes encoded', async () => {
    const content = randomBytes(3_200_000)
    const { uid } = await writer.append(PATH, mail('base64', base64(content)))
    const client = await reader()
    await client.fetchOne(PATH, uid!, { bodyStructure: true })
    const before = meter.bytes
    expect((await part(client, uid!)).equals(content)).toBe(true)
    expect(meter.bytes - before).toBeGreaterThan(4 << 20)
    await client.logout()
  })

  test.each([
    ['base64', 'SGVsbG8s\r\nIHdvcmxkIQ', 'Hello, world!'],
    ['base64', 'A', ''],
    ['base64', 'SGVs*bG8=', 'Hello'],
    ['base64', 'SGVsbG8h\r\n--\r\n', 'Hello!'],
    ['base64', 'SGVsbG8=\r\n\r\n', 'Hello'],
    ['quoted-printable', 'caf=C3=A9 =3D  \r\nb=\r\nc \t\r\n', 'caf\xc3\xa9 =\r\nbc\r\n'],
    ['quoted-printable', 'a=0Ab=0D=0Ac=0D', 'a\nb\r\nc\r'],
    ['quoted-printable', 'bad =ZZ x', 'bad =ZZ x'],
    ['quoted-printable', 'end=', 'end'],
    ['quoted-printable', 'half =4', 'half =4'],
    ['quoted-printable', 'trail   ', 'trail'],
    ['x-uuencode', 'begin 644 cat.txt\r\n#0V%T\r\n`\r\nend', 'Cat'],
    ['x-unknown', 'as it is', 'as it is'],
  ])('%s %j', async (encoding, body, expected) => {
    const { uid } = await writer.append(PATH, mail(encoding, body))
    const client = await reader()
    const plain = await part(client, uid!)
    expect(plain.toString('latin1')).toBe(expected)
    await client.fetchOne(PATH, uid!, { bodyStructure: true })
    // Twice: what the server could not decode, it is not asked to again.
    expect((await part(client, uid!)).equals(plain)).toBe(true)
    const connections = meter.connections
    expect((await part(client, uid!)).equals(plain)).toBe(true)
    expect(meter.connections).toBe(connections)
    await client.logout()
  })

  test('a large part that ends too early: the session is lost, not a byte', async () => {
    const content = randomBytes(1_000_001)
    const { uid } = await writer.append(PATH, mail('base64', base64(content).replace(/=+$/, '')))
    const { uid: sound } = await writer.append(PATH, mail('base64', base64(content)))
    const client = await reader()
    for (const _ of [1, 2]) {
      expect((await part(client, uid!)).equals(content)).toBe(true)
      expect((await part(client, sound!)).equals(content)).toBe(true)
    }
    await client.logout()
  })
})
