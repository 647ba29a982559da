'use strict'

/*
 * Replies out. Pieces are queued and written when the queue is worth it or a reply ends: small ones are gathered into
 * one write, big ones (message bodies) go to the socket as slices of the stored bytes, each waiting for the socket's
 * drain, so a 25 MB message is never held twice. The wire faults (cut, slow, half-open) live here.
 */

/** Small pieces are gathered up to this size. */
const BATCH = 64 * 1024

/** Body slices per write; TLS holds one of them encrypted. */
const SLICE = 128 * 1024

/** Callers drain when more than this is queued. */
const HIGH_WATER = 256 * 1024

/** @typedef {{ write(chunk: Buffer, done?: () => void): boolean, once(event: string, listener: () => void): unknown,
 *   off(event: string, listener: () => void): unknown, destroyed: boolean, destroy(): unknown }} Sink */

class Output {
  /** @param {{ sink: Sink, wire: () => import('./faults.js').WireFaults }} options */
  constructor({ sink, wire }) {
    this.sink = sink
    this.wire = wire
    /** @type {Array<string | Buffer>} */
    this.queue = []
    this.queued = 0
    /** Bytes of protocol written on this connection so far. */
    this.sent = 0
    /** @type {Promise<void>} */
    this.writing = Promise.resolve()
    /** @type {import('node:zlib').DeflateRaw | null} */
    this.deflate = null
  }

  /** @param {string} text byte string */
  text(text) {
    const last = this.queue.length - 1
    if (typeof this.queue[last] === 'string') this.queue[last] += text
    else this.queue.push(text)
    this.queued += text.length
  }

  /** @param {string} text */
  line(text) {
    this.text(text + '\r\n')
  }

  /** @param {Buffer} data */
  bytes(data) {
    this.queue.push(data)
    this.queued += data.length
  }

  get full() {
    return this.queued >= HIGH_WATER
  }

  /** Writes all that is queued; resolves when the socket has room again. */
  drain() {
    if (this.queue.length === 0) return this.writing
    const queue = this.queue
    this.queue = []
    this.queued = 0
    this.writing = this.writing.then(() => this.#write(queue))
    return this.writing
  }

  /**
   * @param {Array<string | Buffer>} queue
   */
  async #write(queue) {
    /** @type {Buffer[]} */
    let batch = []
    let size = 0
    for (const piece of queue) {
      const data = typeof piece === 'string' ? Buffer.from(piece, 'latin1') : piece
      if (data.length >= BATCH) {
        if (batch.length > 0) await this.#send(Buffer.concat(batch, size))
        batch = []
        size = 0
        for (let at = 0; at < data.length; at += SLICE) await this.#send(data.subarray(at, at + SLICE))
        continue
      }
      batch.push(data)
      size += data.length
      if (size >= BATCH) {
        await this.#send(Buffer.concat(batch, size))
        batch = []
        size = 0
      }
    }
    if (batch.length > 0) await this.#send(batch.length === 1 ? batch[0] : Buffer.concat(batch, size))
    if (this.deflate !== null) await this.#flushDeflate(this.deflate)
  }

  /** @param {Buffer} data */
  async #send(data) {
    const { halfOpen, cutAfter, slow } = this.wire()
    if (halfOpen) await this.#forever()
    if (cutAfter !== null && this.sent + data.length >= cutAfter) {
      const rest = data.subarray(0, Math.max(0, cutAfter - this.sent))
      await new Promise((resolve) => this.sink.write(rest, () => resolve(undefined)))
      this.sink.destroy()
      return
    }
    if (slow !== null) {
      for (let at = 0; at < data.length && !this.sink.destroyed; at += slow.bytes) {
        await this.#put(data.subarray(at, at + slow.bytes))
        await new Promise((resolve) => setTimeout(resolve, slow.ms))
      }
      return
    }
    await this.#put(data)
  }

  /** @param {Buffer} data */
  async #put(data) {
    if (this.sink.destroyed) return
    this.sent += data.length
    const target = this.deflate ?? this.sink
    if (target.write(data)) return
    await new Promise((resolve) => {
      const done = () => {
        target.off('drain', done)
        this.sink.off('close', done)
        resolve(undefined)
      }
      target.once('drain', done)
      this.sink.once('close', done)
    })
  }

  /** @param {import('node:zlib').DeflateRaw} deflate */
  #flushDeflate(deflate) {
    return new Promise((resolve) => deflate.flush(() => resolve(undefined)))
  }

  /** Until the client gives up. */
  #forever() {
    return new Promise((resolve) => {
      if (this.sink.destroyed) resolve(undefined)
      else this.sink.once('close', () => resolve(undefined))
    })
  }
}

module.exports = { Output }
