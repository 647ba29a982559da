import { createServer, type Server, type Socket } from 'node:net'

import { SmtpClient } from '../index'
import type { SmtpOptions } from '../index'

/** A message as the server took it. */
export interface Recorded {
  from: string
  /** What followed the path in MAIL. */
  parameters: string
  to: string[]
  /** Without SMTP's own dots. */
  data: Buffer
  /** Between 354 and the final dot, or in the chunks, octet for octet. */
  wire: Buffer
  by: 'DATA' | 'BDAT'
  connection: number
  at: number
}

export interface RecorderOptions {
  extensions?: string[]
  /** How long a flight takes to come here, and its replies to go back. */
  roundTripMs?: number
  /** An own reply to a command line, to `.` (the end of a message) or to `` (the greeting); `null` cuts the connection. */
  reply?: (line: string, state: { connection: number; to: string[] }) => string | null | undefined
}

const EXTENSIONS = ['PIPELINING', 'SIZE 60000000', '8BITMIME', 'SMTPUTF8', 'DSN', 'AUTH PLAIN LOGIN XOAUTH2']

/**
 * An SMTP sink that believes nothing: it writes down every command line, and counts flights, messages and connections.
 * Without TLS, for loopback.
 */
export class Recorder {
  readonly commands: string[] = []
  readonly messages: Recorded[] = []
  /** Times that it had to wait for the client. */
  flights = 0
  connections = 0
  open = 0
  mostOpen = 0
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly options: RecorderOptions

  private constructor(options: RecorderOptions) {
    this.options = options
    this.#server = createServer((socket) => this.#serve(socket))
  }

  static async start(options: RecorderOptions = {}): Promise<Recorder> {
    const recorder = new Recorder(options)
    await new Promise<void>((resolve) => recorder.#server.listen(0, '127.0.0.1', resolve))
    return recorder
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port
  }

  get address() {
    return { host: '127.0.0.1', port: this.port, tls: 'none' as const }
  }

  /** A client of a mailbox of its own, since limits are shared by mailbox. */
  connect(more: Partial<SmtpOptions> = {}): Promise<SmtpClient> {
    return SmtpClient.connect({ ...this.address, proxy: null, ...more })
  }

  /** Command lines that begin so. */
  said(verb: string): string[] {
    return this.commands.filter((line) => line.toUpperCase().startsWith(verb))
  }

  clear(): void {
    this.commands.length = 0
    this.messages.length = 0
    this.flights = 0
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    const connection = this.connections++
    this.#sockets.add(socket)
    this.open += 1
    this.mostOpen = Math.max(this.mostOpen, this.open)
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => {
      this.#sockets.delete(socket)
      this.open -= 1
    })
    const session = new Session(this, connection, socket)
    let arriving = false
    socket.on('data', (chunk) => {
      session.receive(chunk)
      if (arriving) return
      arriving = true
      const answer = () => {
        arriving = false
        session.answer()
      }
      // All that is on its way by then is one flight.
      if (this.options.roundTripMs) setTimeout(answer, this.options.roundTripMs)
      else setImmediate(answer)
    })
    session.greet()
  }
}

/** One connection. */
class Session {
  #buffer = Buffer.alloc(0)
  #mode: 'command' | 'data' | 'chunk' = 'command'
  #transaction = fresh()
  #chunk = { left: 0, last: false }
  #authenticating = false
  readonly #recorder: Recorder
  readonly #connection: number
  readonly #socket: Socket

  constructor(recorder: Recorder, connection: number, socket: Socket) {
    this.#recorder = recorder
    this.#connection = connection
    this.#socket = socket
  }

  greet(): void {
    this.#say(['', '220 recorder ESMTP'])
  }

  receive(chunk: Buffer): void {
    this.#buffer = Buffer.concat([this.#buffer, chunk])
  }

  /** Everything that is here, in one go. */
  answer(): void {
    const replies: Array<[string, string]> = []
    for (let step = this.#step(); step !== null; step = this.#step()) if (step[1] !== '') replies.push(step)
    if (replies.length > 0) this.#recorder.flights += 1
    for (const reply of replies) if (!this.#say(reply)) return
  }

  #say([line, usual]: [string, string]): boolean {
    if (this.#socket.destroyed) return false
    const { to } = this.#transaction
    const own = this.#recorder.options.reply?.(line, { connection: this.#connection, to })
    if (own === null) {
      this.#socket.destroy()
      return false
    }
    this.#socket.write(`${own ?? usual}\r\n`)
    return true
  }

  /** What was said, and the reply; null when there is nothing whole. */
  #step(): [string, string] | null {
    if (this.#mode === 'data') return this.#endOfData()
    if (this.#mode === 'chunk') return this.#endOfChunk()
    const end = this.#buffer.indexOf('\r\n')
    if (end < 0) return null
    const line = this.#buffer.subarray(0, end).toString('utf8')
    this.#buffer = this.#buffer.subarray(end + 2)
    this.#recorder.commands.push(line)
    if (this.#authenticating) {
      this.#authenticating = false
      return [line, '235 2.7.0 welcome']
    }
    return [line, this.#command(line)]
  }

  #command(line: string): string {
    const verb = line.split(' ', 1)[0].toUpperCase()
    switch (verb) {
      case 'EHLO': {
        const lines = ['recorder', ...(this.#recorder.options.extensions ?? EXTENSIONS)]
        return lines.map((text, i) => `250${i === lines.length - 1 ? ' ' : '-'}${text}`).join('\r\n')
      }
      case 'AUTH':
        if (line.split(' ').length > 2) return '235 2.7.0 welcome'
        this.#authenticating = true
        return '334 '
      case 'MAIL': {
        const [, from, parameters] = /^MAIL FROM:<(.*)>(.*)$/i.exec(line) ?? ['', '', '']
        this.#transaction = { ...fresh(), from, parameters: parameters.trim() }
        return '250 2.1.0 ok'
      }
      case 'RCPT':
        this.#transaction.to.push(/^RCPT TO:<(.*)>/i.exec(line)?.[1] ?? line)
        return '250 2.1.5 ok'
      case 'DATA':
        this.#mode = 'data'
        return '354 go'
      case 'BDAT': {
        const [, size, last] = /^BDAT (\d+)( LAST)?$/i.exec(line) ?? ['', '0', '']
        this.#chunk = { left: Number(size), last: Boolean(last) }
        this.#mode = 'chunk'
        return ''
      }
      case 'QUIT':
        return '221 2.0.0 bye'
      case 'HELO':
      case 'RSET':
      case 'NOOP':
        return '250 2.0.0 ok'
      default:
        return '500 5.5.1 what?'
    }
  }

  #endOfData(): [string, string] | null {
    const empty = this.#buffer.subarray(0, 3).equals(Buffer.from('.\r\n'))
    const at = empty ? -2 : this.#buffer.indexOf('\r\n.\r\n')
    if (at === -1) return null
    const wire = Buffer.from(this.#buffer.subarray(0, at + 2))
    this.#buffer = this.#buffer.subarray(at + 5)
    this.#mode = 'command'
    const data = Buffer.from(wire.toString('latin1').replace(/(^|\r\n)\./g, '$1'), 'latin1')
    return this.#took(data, wire, 'DATA')
  }

  #endOfChunk(): [string, string] | null {
    if (this.#buffer.length < this.#chunk.left) return null
    this.#transaction.chunks.push(Buffer.from(this.#buffer.subarray(0, this.#chunk.left)))
    this.#buffer = this.#buffer.subarray(this.#chunk.left)
    this.#mode = 'command'
    if (!this.#chunk.last) return ['chunk', '250 2.0.0 chunk']
    const data = Buffer.concat(this.#transaction.chunks)
    return this.#took(data, data, 'BDAT')
  }

  #took(data: Buffer, wire: Buffer, by: 'DATA' | 'BDAT'): [string, string] {
    const { from, parameters, to } = this.#transaction
    const at = performance.now()
    this.#recorder.messages.push({ from, parameters, to, data, wire, by, connection: this.#connection, at })
    return ['.', `250 2.0.0 queued as ${this.#recorder.messages.length}`]
  }
}

function fresh() {
  return { from: '', parameters: '', to: [] as string[], chunks: [] as Buffer[] }
}
