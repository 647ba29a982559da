'use strict'

const { splitAuth } = require('./auth.js')
const { run } = require('./call.js')
const { encode, encodeAll, withoutCall } = require('./encode.js')
const { captureOrigin, fromFailure, invalidArgument, withDelivery } = require('./error.js')
const native = require('./native.js')
const { outcomesOf } = require('./series.js')

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
        const { auth: given, ...rest } = withoutCall(options)
        const { auth, source, callback } = splitAuth(given)
        const { json } = encode({ ...rest, auth }, 'options')
        return native.smtpConnect(call, json, source, callback)
      },
      (_json, { handle }) => new SmtpClient(KEY, handle),
    )
  }

  get capabilities() {
    return this.#native.capabilities
  }

  async send(message, options) {
    let delivery = 'not-sent'
    const start = (call) => {
      const { json, blobs } = encodeAll({ message, options })
      const sending = this.#native.send(call, json, blobs)
      // From here on native code says it; unless it has a defect, after which nobody knows.
      delivery = 'unknown'
      return sending
    }
    try {
      return await run(this.send, options, start, sendResult, ['message', 'options'])
    } catch (error) {
      throw withDelivery(error, delivery)
    }
  }

  sendMany(messages, options) {
    const open = (call, intervalMs) => {
      const { intervalMs: _, ...rest } = withoutCall(options)
      return this.#native.sendMany(call, encodeAll({ options: rest }).json, intervalMs)
    }
    return outcomesOf(captureOrigin(this.sendMany), messages, options, open, sendResult)
  }

  verify(options) {
    return run(this.verify, options, (call) => this.#native.verify(call), nothing)
  }

  close(options) {
    return run(this.close, options, (call) => this.#native.close(call), nothing)
  }
}

function sendResult(result) {
  for (const refused of result.rejected) refused.error = fromFailure(refused.error)
  return result
}

function nothing() {}

module.exports = { SmtpClient }
