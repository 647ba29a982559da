'use strict'

const tls = require('node:tls')
const zlib = require('node:zlib')
const { Output } = require('./output.js')
const { Reader } = require('./reader.js')

/*
 * The bytes beneath a session: a socket, later maybe TLS over it (STARTTLS), later maybe DEFLATE in between (RFC 4978).
 * What comes in may arrive late (`latencyMs`) or never (`halfOpen`).
 */

class Transport {
  /**
   * @param {import('node:net').Socket} socket
   * @param {{ secure: boolean, context: import('node:tls').SecureContext | null, faults: () => import('./faults.js').FaultSet }} options
   */
  constructor(socket, { secure, context, faults }) {
    this.secure = secure
    this.context = context
    this.faults = faults
    this.socket = socket
    this.closed = false
    this.reader = new Reader(socket)
    this.out = new Output({ sink: socket, wire: faults })
    /** @type {zlib.InflateRaw | null} */
    this.inflate = null
    /** What is late, in order. @type {Array<() => void>} */
    this.late = []
    this.#listen(socket)
  }

  /** RFC 3501 §6.2.1: what the client sent in clear behind the command is thrown away, unread. */
  async startTls() {
    const clear = this.socket
    clear.removeAllListeners('data')
    clear.removeAllListeners('end')
    clear.removeAllListeners('close')
    const secured = new tls.TLSSocket(clear, {
      isServer: true,
      secureContext: /** @type {tls.SecureContext} */ (this.context),
    })
    this.socket = secured
    this.secure = true
    this.reader = new Reader(secured)
    this.out = new Output({ sink: secured, wire: this.faults })
    this.#listen(secured)
  }

  /** RFC 4978: everything from here on, both ways. */
  compress() {
    const inflate = zlib.createInflateRaw()
    inflate.on('data', (chunk) => this.reader.feed(chunk))
    inflate.on('error', () => this.destroy())
    this.inflate = inflate
    const deflate = zlib.createDeflateRaw()
    deflate.on('data', (chunk) => {
      if (this.socket.write(chunk)) return
      deflate.pause()
      this.socket.once('drain', () => deflate.resume())
    })
    this.out.deflate = deflate
  }

  /** After what is queued has gone out. */
  async close() {
    if (this.closed) return
    await this.out.drain()
    this.socket.end()
    // A client that never closes its half must not keep the server.
    const timer = setTimeout(() => this.socket.destroy(), 1000)
    timer.unref()
    this.socket.once('close', () => clearTimeout(timer))
  }

  destroy() {
    this.closed = true
    this.socket.destroy()
    this.reader.end()
  }

  /** @param {import('node:net').Socket} socket */
  #listen(socket) {
    socket.on('data', (chunk) => this.#received(chunk))
    socket.on('end', () => this.#later(() => this.reader.end()))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
      this.reader.end()
      this.inflate?.close()
      this.out.deflate?.close()
    })
  }

  /** @param {Buffer} chunk */
  #received(chunk) {
    if (this.faults().halfOpen) return
    this.#later(() => {
      if (this.inflate === null) this.reader.feed(chunk)
      else this.inflate.write(chunk)
    })
  }

  /** @param {() => void} deliver */
  #later(deliver) {
    const { latencyMs } = this.faults()
    if (latencyMs <= 0 && this.late.length === 0) {
      deliver()
      return
    }
    this.late.push(deliver)
    // Each timer delivers the oldest, so nothing overtakes when the latency is changed meanwhile.
    setTimeout(() => this.late.shift()?.(), latencyMs)
  }
}

module.exports = { Transport }
