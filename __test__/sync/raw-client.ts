import { connect, type Socket } from 'node:net'

/** What came back for one command. Every text is bytes as latin1. */
export interface Answer {
  status: string
  text: string
  untagged: string[]
}

interface Waiting {
  tag: string
  untagged: string[]
  settle(answer: Answer | Error): void
}

/**
 * The other client of the mailbox: clear text on loopback, commands pipelined as fast as they are written. It knows lines and
 * literals and nothing else of IMAP, so that it cannot share a mistake with what is tested.
 */
export class RawClient {
  #buffer = ''
  #start = 0
  #scanned = 0
  #serial = 0
  #ended: Error | null = null
  readonly #waiting: Waiting[] = []
  readonly #socket: Socket

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#received(chunk))
    socket.on('error', (error) => this.#end(error))
    socket.on('close', () => this.#end(new Error('the server closed the connection')))
  }

  /** Connected, greeted and logged in. */
  static async open(port: number, user: string, password: string): Promise<RawClient> {
    const client = new RawClient(connect(port, '127.0.0.1'))
    await new Promise<void>((resolve, reject) => {
      client.#waiting.push({ tag: '*', untagged: [], settle: (a) => (a instanceof Error ? reject(a) : resolve()) })
    })
    await client.ok(`LOGIN "${user}" "${password}"`)
    return client
  }

  /** Sends at once, without waiting for what was sent before; a literal goes with it (LITERAL+). */
  command(text: string, literal?: Buffer): Promise<Answer> {
    if (this.#ended !== null) return Promise.reject(this.#ended)
    const tag = `t${++this.#serial}`
    if (literal === undefined) this.#socket.write(`${tag} ${text}\r\n`, 'latin1')
    else {
      const head = Buffer.from(`${tag} ${text} {${literal.length}+}\r\n`, 'latin1')
      this.#socket.write(Buffer.concat([head, literal, Buffer.from('\r\n')]))
    }
    return new Promise((resolve, reject) => {
      this.#waiting.push({ tag, untagged: [], settle: (a) => (a instanceof Error ? reject(a) : resolve(a)) })
    })
  }

  /** The same for a command that has to succeed. */
  async ok(text: string, literal?: Buffer): Promise<Answer> {
    const answer = await this.command(text, literal)
    if (answer.status !== 'OK') throw new Error(`${text.slice(0, 200)}: ${answer.status} ${answer.text}`)
    return answer
  }

  close(): void {
    this.#socket.destroy()
  }

  #received(chunk: Buffer): void {
    this.#buffer += chunk.toString('latin1')
    for (;;) {
      const end = this.#buffer.indexOf('\r\n', this.#scanned)
      if (end === -1) break
      const literal = /\{(\d+)\}$/.exec(this.#buffer.slice(Math.max(this.#start, end - 12), end))
      const next = end + 2 + (literal === null ? 0 : Number(literal[1]))
      if (this.#buffer.length < next) break
      this.#scanned = next
      if (literal !== null) continue
      this.#response(this.#buffer.slice(this.#start, end))
      this.#start = this.#scanned
    }
    this.#buffer = this.#buffer.slice(this.#start)
    this.#scanned -= this.#start
    this.#start = 0
  }

  #response(response: string): void {
    const first = this.#waiting[0]
    if (first === undefined) return
    if (response.startsWith('* ') && first.tag !== '*') {
      first.untagged.push(response)
      return
    }
    const [, tag, status, text] = /^(\S+) (\S+) ?([^]*)$/.exec(response) ?? []
    if (tag !== first.tag) return
    this.#waiting.shift()
    first.settle({ status, text, untagged: first.untagged })
  }

  #end(error: Error): void {
    this.#ended ??= error
    for (const { settle } of this.#waiting.splice(0)) settle(this.#ended)
  }
}

/** A message as it is on the server. */
export interface Stored {
  hash: string
  /** Lower case, sorted, without \Recent, joined by a space. */
  flags: string
}

export function flagsOf(flags: readonly string[]): string {
  return flags
    .map((flag) => flag.toLowerCase())
    .filter((flag) => flag !== '\\recent')
    .sort()
    .join(' ')
}
