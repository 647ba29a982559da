'use strict'

const { splitAuth } = require('./auth.js')
const { run, withoutCall } = require('./call.js')
const { encode, encodeAll } = require('./encode.js')
const { captureOrigin, invalidArgument, MailError } = require('./error.js')
const native = require('./native.js')

const KEY = Symbol('email-native')

class SmtpClient {
  #native

  constructor(key, handle) {
    if (key !== KEY) throw invalidArgument('make an SmtpClient with SmtpClient.connect()', captureOrigin(SmtpClient))
    this.#native = handle
  }

  static connect(options) {
    return run(
      SmtpClient.connect,
      options,
      (call) => {
        const { auth, source, callback } = splitAuth(options?.auth)
        const { json } = encode({ ...withoutCall(options), auth }, 'options')
        return native.smtpConnect(call, json, source, callback)
      },
      (_json, { handle }) => new SmtpClient(KEY, handle),
    )
  }

  get capabilities() {
    return this.#native.capabilities
  }

  send(message, options) {
    return run(
      this.send,
      options,
      (call) => {
        const { json, blobs } = encodeAll({ message, options: withoutCall(options) })
        return this.#native.send(call, json, blobs)
      },
      sendResult,
      ['message', 'options'],
    )
  }

  async *sendMany(messages, options) {
    const origin = captureOrigin(this.sendMany)
    const { intervalMs = 0, ...rest } = options ?? {}
    if (!Number.isInteger(intervalMs) || intervalMs < 0) {
      throw invalidArgument(`intervalMs is ${String(intervalMs)}, not a number of milliseconds`, origin)
    }
    const iterator = messages?.[Symbol.asyncIterator] ?? messages?.[Symbol.iterator]
    if (typeof iterator !== 'function') throw invalidArgument('messages is not iterable', origin)
    let index = 0
    for await (const message of messages) {
      if (index > 0 && intervalMs > 0) await pause(intervalMs, rest.signal)
      yield await this.#outcome(index++, message, rest)
    }
  }

  verify(options) {
    return run(this.verify, options, (call) => this.#native.verify(call), nothing)
  }

  close(options) {
    return run(this.close, options, (call) => this.#native.close(call), nothing)
  }

  /** A refused message is an outcome; what would refuse every further one as well (abort, closed client) is thrown. */
  async #outcome(index, message, options) {
    try {
      return { index, result: await this.send(message, options), error: null }
    } catch (error) {
      if (error.code === 'ABORTED' || error.code === 'CLOSED') throw error
      return { index, result: null, error }
    }
  }
}

function sendResult(result) {
  for (const refused of result.rejected) refused.error = new MailError(refused.error)
  return result
}

/** Waits, or ends early when `signal` fires: the next `send` then rejects. */
function pause(milliseconds, signal) {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, milliseconds)
    signal?.addEventListener('abort', end, { once: true })
    if (signal?.aborted) end()
  })
}

function nothing() {}

module.exports = { SmtpClient }
