// A small honest IMAP server that can be told to misbehave at one place: the place is the case, the rest is honesty, so
// that a client which survives can be seen to work afterwards.

import { createServer, type Server, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'

import { answerOf, type Command } from './honest'
import { LineReader } from './reader'

/** What is sent in place of an honest answer: text with `{tag}`, bytes, or whatever a function does. */
export type Says = string | Buffer | ((peer: Peer, command: Command) => unknown)

export interface Script {
  /** TLS from the first byte, after STARTTLS, or none. */
  tls?: 'implicit' | 'starttls' | 'none'
  greeting?: Says
  /** After login. */
  capabilities?: string
  /** Before login. */
  early?: string
  /** By the command's name (`UID FETCH`, `FETCH`, `DONE`), or name and a part of its arguments (`UID FETCH BODY.PEEK[]`). */
  says?: Record<string, Says>
  /** So many connections misbehave; the later ones are honest. Default 1. */
  connections?: number
  /** So many bytes are sent, then the connection ends. */
  cut?: { after: number; how: 'end' | 'reset' }
  /** From the first byte on, without any knowledge of IMAP. */
  raw?: (peer: Peer) => unknown
}

export interface Peer {
  readonly number: number
  readonly socket: Socket
  readonly alive: boolean
  /** Waits while the client does not read. `false`: it has gone. */
  send(data: string | Buffer): Promise<boolean>
  /** `chunk` over and over, until so many bytes are sent or the client has gone. */
  flood(chunk: string | Buffer, bytes: number): Promise<boolean>
  close(): void
  reset(): void
  tag: string
}

export interface HostileServer {
  port: number
  /** All commands, of all connections. */
  commands: Command[]
  /** What came in clear text. */
  clear: string[]
  /** The same, by connection. */
  streams: string[]
  connections: number
  /** Bytes sent over the misbehaving connections. */
  sent: number
  stop(): Promise<void>
}

interface Certificate {
  key: string
  cert: string
}

export async function startServer(script: Script, certificate: Certificate): Promise<HostileServer> {
  const sockets = new Set<Socket>()
  const commands: Command[] = []
  const clear: string[] = []
  const streams: string[] = []
  const state = { port: 0, commands, clear, streams, connections: 0, sent: 0, stop }
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    const stream = streams.push('') - 1
    if (script.tls === undefined) socket.on('data', (chunk) => (streams[stream] += chunk.toString('latin1')))
    socket.setNoDelay(true)
    socket.on('error', () => {})
    socket.once('close', () => sockets.delete(socket))
    void new Connection(socket, state.connections++, script, certificate, state).run()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  state.port = (server.address() as { port: number }).port
  return state

  async function stop() {
    for (const socket of sockets) socket.destroy()
    await new Promise((resolve) => server.close(resolve))
  }
}

class Connection implements Peer {
  tag = '*'
  private reader: LineReader
  private readonly hostile: boolean
  private secured = false
  /** Without TLS. */
  private below: Socket

  constructor(
    public socket: Socket,
    readonly number: number,
    private readonly script: Script,
    private readonly certificate: Certificate,
    private readonly told: Pick<HostileServer, 'commands' | 'clear' | 'sent'>,
  ) {
    this.hostile = number < (script.connections ?? 1)
    this.below = socket
    this.reader = new LineReader(socket)
  }

  get alive() {
    return !this.socket.destroyed && this.socket.writable
  }

  async run() {
    try {
      if (this.script.tls === 'implicit') this.secure()
      else if (this.script.tls === 'starttls') this.socket.on('data', (chunk) => this.overheard(chunk))
      if (this.hostile && this.script.raw) {
        await this.script.raw(this)
        return
      }
      await this.greet()
      for (;;) {
        // Another reader after STARTTLS.
        const line = await this.reader.line()
        if (line === null) return
        const command = await this.commandOf(line)
        if (command === null) continue
        this.told.commands.push(command)
        await this.answer(command)
      }
    } catch (error) {
      if (this.alive) throw error
    }
  }

  async send(data: string | Buffer): Promise<boolean> {
    const bytes = typeof data === 'string' ? Buffer.from(data.replaceAll('{tag}', this.tag)) : data
    if (!this.alive) return false
    const { cut } = this.script
    if (this.hostile && cut !== undefined && this.told.sent + bytes.length >= cut.after) {
      const rest = bytes.subarray(0, cut.after - this.told.sent)
      this.told.sent += rest.length
      // What was written goes out before the reset.
      this.socket.write(rest, () => (cut.how === 'end' ? this.close() : this.reset()))
      return false
    }
    if (this.hostile) this.told.sent += bytes.length
    if (!this.socket.write(bytes)) await this.drained()
    return this.alive
  }

  async flood(chunk: string | Buffer, bytes: number) {
    const text = Buffer.from(typeof chunk === 'string' ? chunk.replaceAll('{tag}', this.tag) : chunk)
    const times = Math.max(1, Math.floor(65_536 / text.length))
    const piece = Buffer.concat(Array.from({ length: times }, () => text))
    for (let sent = 0; sent < bytes; sent += piece.length) if (!(await this.send(piece))) return false
    return true
  }

  close() {
    this.socket.end()
  }

  reset() {
    this.below.resetAndDestroy()
  }

  private async drained() {
    await new Promise<void>((resolve) => {
      const done = () => {
        this.socket.off('drain', done)
        this.socket.off('close', done)
        resolve()
      }
      this.socket.once('drain', done)
      this.socket.once('close', done)
    })
  }

  private overheard(chunk: Buffer) {
    if (!this.secured) this.told.clear.push(chunk.toString('latin1'))
  }

  private secure() {
    this.secured = true
    this.reader.detach()
    this.socket.removeAllListeners('data')
    this.below = this.socket
    const tls = new TLSSocket(this.socket, { isServer: true, ...this.certificate })
    tls.on('error', () => {})
    this.socket = tls
    this.reader = new LineReader(tls)
  }

  private async greet() {
    const greeting = this.hostile ? this.script.greeting : undefined
    await this.say(greeting ?? `* OK [CAPABILITY ${this.early()}] ready\r\n`, { tag: '*', name: '', args: '' })
  }

  private early() {
    const starttls = this.script.tls === 'starttls' && !this.secured ? ' STARTTLS' : ''
    return `${this.script.early ?? 'IMAP4rev1 SASL-IR AUTH=PLAIN'}${starttls}`
  }

  /** A line with its literals, as one text; null when its literal was not asked for. */
  private async commandOf(line: string): Promise<Command | null> {
    let [text, last] = [line, line]
    for (;;) {
      const literal = /\{(\d+)(\+?)\}$/.exec(last)
      if (literal === null) break
      const command = split(text)
      const refusal = this.hostile ? this.script.says?.[`${command.name} +`] : undefined
      if (literal[2] === '') {
        this.tag = command.tag
        await this.say(refusal ?? '+ go on\r\n', command)
        if (refusal !== undefined) return null
      }
      const content = await this.reader.take(Number(literal[1]))
      last = (await this.reader.line()) ?? ''
      text += `\r\n${content}${last}`
    }
    return split(text)
  }

  private async answer(command: Command) {
    this.tag = command.tag
    const says = this.hostile ? this.saysTo(command) : undefined
    if (says !== undefined) return this.say(says, command)
    if (command.name === 'STARTTLS') {
      await this.send('{tag} OK go\r\n')
      return this.secure()
    }
    const capabilities = { early: this.early(), late: this.script.capabilities ?? 'IMAP4rev1 UIDPLUS UNSELECT' }
    const { text, end } = answerOf(command, capabilities)
    await this.send(text)
    if (end) this.close()
  }

  private saysTo({ name, args }: Command): Says | undefined {
    for (const [key, says] of Object.entries(this.script.says ?? {})) {
      if (key === name) return says
      if (key.startsWith(`${name} `) && args.includes(key.slice(name.length + 1))) return says
    }
    return undefined
  }

  private async say(says: Says, command: Command) {
    if (typeof says === 'function') await says(this, command)
    else await this.send(says)
  }
}

function split(line: string): Command {
  const [, tag = '', name = '', args = ''] = /^(\S*) ?((?:UID )?\S*) ?([\s\S]*)$/i.exec(line) ?? []
  if (/^DONE$/i.test(tag)) return { tag: '*', name: 'DONE', args: '' }
  return { tag, name: name.toUpperCase(), args }
}
