import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

/** What a client must not say to a server that does not offer it. */
const WORDS: Record<string, RegExp> = {
  QRESYNC: /QRESYNC|VANISHED/i,
  CONDSTORE: /CONDSTORE|CHANGEDSINCE|MODSEQ/i,
}

/** COMPRESS would hide everything from the filter. */
const ALWAYS_HIDDEN = ['COMPRESS=DEFLATE']

/** A line that is longer is no CAPABILITY line and need not be kept together. */
const MAX_KEPT_LINE = 64 * 1024

interface Pair {
  client: Socket
  server: Socket
  /** Bytes of the server that have gone to the client. */
  sent: number
  frozen: boolean
}

/**
 * Stands between the tested client and a server, in clear on loopback: hides extensions, cuts connections at an exact byte,
 * lets them die without a word.
 */
export class Filter {
  /** Commands that used what is hidden. */
  readonly trespasses: string[] = []
  /** Bytes of the server that have gone to clients so far, over all connections. */
  sent = 0
  connections = 0
  /** Messages whose body has gone to clients. */
  bodies = 0
  #cutAt: number | null = null
  #refusing = false
  readonly #pairs = new Set<Pair>()

  private constructor(
    private readonly upstream: number,
    private readonly hidden: readonly string[],
    private readonly listener: Server,
  ) {
    listener.on('connection', (socket) => this.#accept(socket))
  }

  static async start(upstream: number, hide: readonly string[] = []): Promise<Filter> {
    const listener = createServer()
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
    return new Filter(upstream, [...hide, ...ALWAYS_HIDDEN], listener)
  }

  get port(): number {
    return (this.listener.address() as AddressInfo).port
  }

  /** The first connection that has been sent `bytes` from now on ends there with a RST. */
  cutAfter(bytes: number): void {
    this.#cutAt = this.sent + bytes
  }

  /** Whether the cut that was ordered has not happened yet; it is taken back. */
  cancelCut(): boolean {
    const pending = this.#cutAt !== null
    this.#cutAt = null
    return pending
  }

  /** Every connection of now ends with a RST. */
  cut(): void {
    for (const pair of this.#pairs) this.#reset(pair)
  }

  /** Every connection of now stays, and nothing passes any more: a half-open connection. */
  freeze(): void {
    for (const pair of this.#pairs) pair.frozen = true
  }

  /** New connections are reset at once, until allowed again. */
  refuse(refusing: boolean): void {
    this.#refusing = refusing
  }

  async stop(): Promise<void> {
    for (const { client, server } of this.#pairs) {
      client.destroy()
      server.destroy()
    }
    await new Promise((resolve) => this.listener.close(resolve))
  }

  #accept(client: Socket): void {
    this.connections += 1
    if (this.#refusing) {
      client.resetAndDestroy()
      return
    }
    const server = connect(this.upstream, '127.0.0.1')
    const pair = { client, server, sent: 0, frozen: false }
    this.#pairs.add(pair)
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => {})
      socket.on('close', () => {
        if (pair.frozen) return
        this.#pairs.delete(pair)
        client.destroy()
        server.destroy()
      })
    }
    client.on('data', (chunk) => this.#fromClient(pair, chunk))
    let kept = Buffer.alloc(0)
    server.on('data', (chunk) => {
      const all = Buffer.concat([kept, chunk])
      const line = all.lastIndexOf('\n') + 1
      const end = all.length - line > MAX_KEPT_LINE ? all.length : line
      kept = Buffer.from(all.subarray(end))
      this.#toClient(pair, this.#rewritten(all.subarray(0, end)))
    })
  }

  #fromClient(pair: Pair, chunk: Buffer): void {
    if (pair.frozen) return
    const text = chunk.toString('latin1')
    for (const word of this.hidden) if (WORDS[word]?.test(text)) this.trespasses.push(text.trim())
    pair.server.write(chunk)
  }

  #rewritten(bytes: Buffer): Buffer {
    if (!bytes.includes('CAPABILITY') && !bytes.includes('HIGHESTMODSEQ')) return bytes
    // Dovecot counts changes once anybody has asked for it, and says so to everybody.
    const counted = this.hidden.includes('CONDSTORE') ? /^\* OK \[HIGHESTMODSEQ [^\n]*\n/gm : /(?!)/g
    const lines = bytes
      .toString('latin1')
      .replace(counted, '')
      .replace(/^.*\bCAPABILITY .*$/gm, (line) => {
        return this.hidden.reduce((left, word) => left.replace(new RegExp(` ${word}(?=[ \\]\r]|$)`, 'g'), ''), line)
      })
    return Buffer.from(lines, 'latin1')
  }

  #toClient(pair: Pair, bytes: Buffer): void {
    if (pair.frozen || bytes.length === 0) return
    const room = this.#cutAt === null ? Infinity : this.#cutAt - this.sent
    const passed = bytes.length < room ? bytes : bytes.subarray(0, room)
    pair.sent += passed.length
    this.sent += passed.length
    this.bodies += passed.toString('latin1').split('BODY[] ').length - 1
    if (passed.length < bytes.length || passed.length === room) {
      this.#cutAt = null
      pair.client.write(passed, () => this.#reset(pair))
    } else if (!pair.client.write(passed)) {
      pair.server.pause()
      pair.client.once('drain', () => pair.server.resume())
    }
  }

  #reset({ client, server }: Pair): void {
    client.resetAndDestroy()
    server.destroy()
  }
}
