import { connect, type Socket } from 'node:net'
import { ImapFlow, type ImapFlowOptions } from 'imapflow'
import { startImapServer } from '../imap/index.js'
import { createStore } from '../mailbox/index.js'

export const USER = 'ann@contoso.example'

type Server = Awaited<ReturnType<typeof startImapServer>>
type Options = Partial<Parameters<typeof startImapServer>[0]>

/** A server in clear on loopback that lets everybody in but `wrong`. */
export async function startPlain(options: Options = {}) {
  const store = options.store ?? createStore()
  const authenticate = async ({ user, password, token }: Credentials) => {
    if (password === 'wrong' || token === 'wrong') throw new Error('refused')
    return { user: user ?? USER }
  }
  const server = await startImapServer({ authenticate, ...options, store })
  const clients: Raw[] = []
  return {
    store,
    server,
    account: store.account(USER),
    /** A raw connection, logged in and with INBOX open if wanted. */
    async raw(upTo: 'greeting' | 'login' | 'select' = 'select', user = USER) {
      const client = await Raw.connect(server.port)
      clients.push(client)
      if (upTo !== 'greeting') await client.ok(`LOGIN ${user} secret`)
      if (upTo === 'select') await client.ok('SELECT INBOX')
      return client
    },
    flow: (extra: Partial<ImapFlowOptions> = {}) => flow(server, extra),
    async stop() {
      for (const client of clients) client.close()
      await server.stop()
    },
  }
}

interface Credentials {
  user: string | null
  password: string | null
  token: string | null
}

export function flow(server: Server, extra: Partial<ImapFlowOptions> = {}) {
  const client = new ImapFlow({
    host: '127.0.0.1',
    port: server.port,
    secure: false,
    doSTARTTLS: false,
    auth: { user: USER, pass: 'secret' },
    logger: false,
    disableCompression: true,
    ...extra,
  } as ImapFlowOptions)
  client.on('error', () => {})
  return client
}

export interface Answer {
  untagged: string[]
  status: string
  text: string
}

/** Knows lines and literals, nothing else of IMAP: what it shows is what was sent. All bytes are latin1 characters. */
export class Raw {
  greeting = ''
  closed = false
  private buffer = ''
  private serial = 0
  private wake: (() => void) | null = null

  private constructor(readonly socket: Socket) {
    socket.on('data', (chunk) => {
      this.buffer += chunk.toString('latin1')
      this.wake?.()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.wake?.()
    })
  }

  static async connect(port: number) {
    const socket = connect(port, '127.0.0.1')
    const client = new Raw(socket)
    client.greeting = (await client.response()) ?? ''
    return client
  }

  write(text: string | Buffer) {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text)
  }

  /** The next response with its literals inline; null when the server has closed. */
  async response(): Promise<string | null> {
    let out = ''
    for (;;) {
      const end = await this.until(
        () => this.buffer.indexOf('\r\n'),
        (at) => at !== -1,
      )
      if (end === null) return null
      const line = this.buffer.slice(0, end)
      this.buffer = this.buffer.slice(end + 2)
      out += line
      const size = Number(/\{(\d+)\}$/.exec(line)?.[1] ?? -1)
      if (size < 0) return out
      if (
        (await this.until(
          () => this.buffer.length,
          (length) => length >= size,
        )) === null
      )
        return null
      out += `\r\n${this.buffer.slice(0, size)}`
      this.buffer = this.buffer.slice(size)
    }
  }

  /** Sends a command and collects everything up to its tagged reply; `literals` are sent when asked for. */
  async command(text: string, ...literals: Array<string | Buffer>): Promise<Answer> {
    const tag = this.send(text)
    const untagged: string[] = []
    for (;;) {
      const line = await this.response()
      if (line === null) return { untagged, status: 'CLOSED', text: '' }
      const literal = line.startsWith('+') ? literals.shift() : undefined
      if (literal !== undefined) {
        this.write(literal)
        if (literals.length === 0) this.write('\r\n')
      } else if (line.startsWith(`${tag} `)) {
        const [, status, rest] = /^\S+ (\S+) ?([^]*)$/.exec(line) ?? []
        return { untagged, status, text: rest }
      } else untagged.push(line)
    }
  }

  /** The untagged responses of a command that has to succeed. */
  async ok(text: string, ...literals: Array<string | Buffer>): Promise<string[]> {
    const answer = await this.command(text, ...literals)
    if (answer.status !== 'OK') throw new Error(`${text}: ${answer.status} ${answer.text}`)
    return answer.untagged
  }

  /** Sends without waiting. */
  send(text: string): string {
    const tag = `t${++this.serial}`
    this.write(`${tag} ${text}\r\n`)
    return tag
  }

  close() {
    this.socket.destroy()
  }

  private async until<T>(value: () => T, ready: (value: T) => boolean): Promise<T | null> {
    while (!ready(value())) {
      if (this.closed) return null
      await new Promise<void>((resolve) => {
        this.wake = resolve
      })
      this.wake = null
    }
    return value()
  }
}

/** A message with CRLF line ends. */
export function mail(text: string): Buffer {
  return Buffer.from(text.replace(/\r?\n/g, '\r\n'))
}

export function simple(subject: string, body = 'Hello'): Buffer {
  return mail(
    `From: Bob <bob@fabrikam.example>\nTo: ${USER}\nSubject: ${subject}\nDate: Mon, 2 Nov 2026 10:00:00 +0100\nMessage-ID: <${subject}@fabrikam.example>\n\n${body}\n`,
  )
}
