'use strict'

const { begun, openCall, reading, settled, withOrigin } = require('./call.js')
const { encodeAll, fieldOf } = require('./encode.js')
const { fromFailure, invalidArgument, withDelivery } = require('./error.js')
const { leavable } = require('./leave.js')

/*
 * `sendMany`: an iterable of messages in, one outcome per message out.
 *
 *   iterable ── pull ──> Feed ── push ──> native series ── next ──> outcome ──> the caller's loop
 *
 * Nothing is sent that was not asked for. Without an interval one message more is pulled than is being sent, so that its
 * envelope can travel with the text of the one before; an async iterable that is slower than that is not waited for.
 */

/** Messages held at once: the one that is sent, and the one behind it. */
const AHEAD = 2

/** Longest interval that timers can hold: 2³¹ − 1 milliseconds, 24 days. */
const MAX_INTERVAL_MS = 2 ** 31 - 1

function outcomesOf(origin, messages, options, open, finish) {
  let feed = null
  let stopped = false
  const stop = () => {
    stopped = true
    // Told by whoever waits for it, below.
    feed?.stop().catch(() => {})
  }
  return leavable(outcomes(), stop)

  async function* outcomes() {
    let left = true
    let scope = null
    try {
      scope = openCall(options)
      const intervalMs = reading(() => intervalOf(options))
      const iterator = reading(() => iteratorOf(messages))
      const handle = begun(() => open(scope.call, intervalMs), origin, ['options'])[1].handle
      feed = new Feed(iterator, handle, intervalMs === 0 ? AHEAD : 1)
      for (let index = 0; ; index++) {
        await feed.fill()
        const [outcome] = settled(await handle.next(), origin)
        if (outcome === null) break
        const { result, error } = feed.take(outcome)
        yield {
          index,
          result: result === null ? null : finish(result),
          error: error === null ? null : fromFailure(error, origin, ['message']),
        }
      }
      left = false
    } catch (thrown) {
      left = false
      throw withOrigin(thrown, origin)
    } finally {
      scope?.close()
      const returned = feed?.stop()
      // Only `break` waits for the iterable's own end, as `for await` does: an abort must not hang on one that hangs.
      if (left) await returned
      else returned?.catch(() => {})
    }
    if (!stopped) feed.rethrow()
  }
}

/** Carries messages from the caller's iterable to the native series. */
class Feed {
  #iterator
  #handle
  #depth
  /** Pushed, outcome not yet told. */
  #queued = 0
  #pushed = 0
  #told = 0
  /** Messages that never became one, by their index. */
  #refused = new Map()
  #pulling = null
  #ended = false
  #thrown = null
  #stopped = null

  constructor(iterator, handle, depth) {
    this.#iterator = iterator
    this.#handle = handle
    this.#depth = depth
  }

  /** Pulls what is to be had at once; what comes later is pushed when it comes. */
  async fill() {
    while (!this.#ended && this.#queued < this.#depth) {
      this.#pulling ??= this.#pull()
      if (!(await soon(this.#pulling))) return
    }
  }

  /** The outcome, or in its place why the message could not even be passed on. */
  take(outcome) {
    const refused = this.#refused.get(this.#told)
    this.#refused.delete(this.#told)
    this.#told += 1
    this.#queued -= 1
    return refused === undefined ? outcome : { result: null, error: refused }
  }

  /** Ends the series; resolves when the iterable has ended, too. */
  stop() {
    this.#stopped ??= this.#stop()
    return this.#stopped
  }

  /** What the iterable threw, once every message before it has its outcome. */
  rethrow() {
    if (this.#thrown !== null) throw this.#thrown.error
  }

  async #stop() {
    this.#handle.close()
    if (this.#ended) return
    this.#ended = true
    await this.#iterator.return?.()
  }

  async #pull() {
    try {
      const { done, value } = await this.#iterator.next()
      const message = await value
      if (this.#ended) return
      if (done) this.#end()
      else this.#push(message)
    } catch (error) {
      if (this.#ended) return
      this.#thrown = { error }
      this.#end()
    } finally {
      this.#pulling = null
    }
  }

  #push(message) {
    const index = this.#pushed++
    this.#queued += 1
    let args = { json: '[null,null]', blobs: [] }
    try {
      args = reading(() => encodeAll({ message, options: null }))
    } catch (error) {
      this.#refused.set(index, withDelivery(error, 'not-sent'))
    }
    this.#handle.push(args.json, args.blobs)
  }

  #end() {
    this.#ended = true
    this.#handle.end()
  }
}

/** Whether `work` ends before the event loop comes round: an iterable that waits for something else does not. */
async function soon(work) {
  let turn
  const round = new Promise((resolve) => {
    turn = setImmediate(resolve, false)
  })
  try {
    return await Promise.race([work.then(() => true), round])
  } finally {
    clearImmediate(turn)
  }
}

function intervalOf(options) {
  const intervalMs = fieldOf(options, 'intervalMs') ?? 0
  if (!Number.isInteger(intervalMs) || intervalMs < 0 || intervalMs > MAX_INTERVAL_MS) {
    throw invalidArgument(`intervalMs is ${String(intervalMs)}, not a number of milliseconds`)
  }
  return intervalMs
}

function iteratorOf(messages) {
  const isObject = messages !== null && typeof messages === 'object'
  const method = isObject ? (messages[Symbol.asyncIterator] ?? messages[Symbol.iterator]) : undefined
  if (typeof method !== 'function') throw invalidArgument('messages is not an iterable of messages')
  return method.call(messages)
}

module.exports = { outcomesOf }
