import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** Writes down what client and server say to each other, in clear on loopback. */
export class Wire {
  /** Lines of clients, without tags; a literal is `{n}`. */
  readonly commands: string[] = []
  /** Lines of the server, as they are; the lines of literals among them. */
  readonly replies: string[] = []
  readonly #sockets = new Set<Socket>()

  private constructor(
    private readonly upstream: number,
    private readonly listener: Server,
  ) {
    listener.on('connection', (client) => this.#accept(client))
  }

  static async start(upstream: number): Promise<Wire> {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return new Wire(upstream, listener)
  }

  get address() {
    return { host: '127.0.0.1', port: (this.listener.address() as AddressInfo).port, tls: 'none' as const }
  }

  /** What `work` made clients say. */
  async during(work: () => Promise<unknown>): Promise<string[]> {
    const before = this.commands.length
    await work()
    return this.commands.slice(before)
  }

  stop(): void {
    for (const socket of this.#sockets) socket.destroy()
    this.listener.close()
  }

  #accept(client: Socket): void {
    const server = connect(this.upstream, '127.0.0.1')
    for (const [from, to] of [
      [client, server],
      [server, client],
    ]) {
      this.#sockets.add(from)
      from.setNoDelay(true)
      from.on('error', () => {})
      from.on('close', () => to.destroy())
    }
    const said = lines((line) => this.commands.push(line.replace(/^\w+ (?=[A-Z])/, '')), /\{(\d+)\+?\}$/)
    const answered = lines((line) => this.replies.push(line), /\{(\d+)\}$/)
    client.on('data', (chunk) => {
      said(chunk)
      server.write(chunk)
    })
    server.on('data', (chunk) => {
      answered(chunk)
      client.write(chunk)
    })
  }
}

/** Cuts what comes into lines; a line goes on after a literal, whose bytes are left out. */
function lines(take: (line: string) => void, literal: RegExp): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  let line = ''
  let skip = 0
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    for (;;) {
      const skipped = Math.min(skip, rest.length)
      rest = rest.subarray(skipped)
      skip -= skipped
      const end = skip > 0 ? -1 : rest.indexOf('\r\n')
      if (end === -1) return
      const piece = rest.toString('latin1', 0, end)
      rest = rest.subarray(end + 2)
      line += piece
      const announced = literal.exec(piece)
      skip = Number(announced?.[1] ?? 0)
      if (announced !== null) continue
      take(line)
      line = ''
    }
  }
}
