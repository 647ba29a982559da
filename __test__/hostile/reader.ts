import type { Socket } from 'node:net'

/** Lines and counted octets of a socket, as latin1 text. */
export class LineReader {
  private buffer = ''
  private ended = false
  private wake: (() => void) | null = null
  private readonly take_ = (chunk: Buffer) => {
    this.buffer += chunk.toString('latin1')
    this.wake?.()
  }
  private readonly end = () => {
    this.ended = true
    this.wake?.()
  }

  constructor(private readonly socket: Socket) {
    socket.on('data', this.take_)
    socket.on('end', this.end)
    socket.on('close', this.end)
  }

  /** Leaves the socket to somebody else. */
  detach() {
    this.socket.off('data', this.take_)
    this.socket.off('end', this.end)
    this.socket.off('close', this.end)
  }

  /** Null at the end. */
  line(): Promise<string | null> {
    return this.next(() => this.buffer.indexOf('\r\n'), 2)
  }

  /** Less at the end. */
  async take(octets: number): Promise<string> {
    return (await this.next(() => (this.buffer.length >= octets ? octets : -1), 0)) ?? ''
  }

  private async next(find: () => number, skip: number): Promise<string | null> {
    for (;;) {
      const at = find()
      if (at >= 0) {
        const found = this.buffer.slice(0, at)
        this.buffer = this.buffer.slice(at + skip)
        return found
      }
      if (this.ended) return null
      await new Promise<void>((resolve) => (this.wake = resolve))
      this.wake = null
    }
  }
}
