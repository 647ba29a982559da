'use strict'

const { fieldOf, hasFields } = require('./encode.js')
const { adoptStack, captureOrigin, fromNative, fromUnknown, invalidArgument, kindOf, MailError } = require('./error.js')
const native = require('./native.js')
const { whole } = require('./texts.js')

/*
 * How every call crosses the border: a native promise resolves with `[failure, json, blobs, texts, handle]` and never rejects
 * on purpose; here a failure becomes a `MailError` with the caller's stack, and the abort listener goes.
 */

/**
 * Runs one native call. `method` is the public function: frames up to it are left out of the stack.
 * `start(call)` reads the arguments and begins the native work; `finish(json, beside)` makes its result, `beside` being
 * `{ blobs, texts, handle }`; `names` are those of the arguments, for messages.
 */
async function run(method, options, start, finish, names) {
  const origin = captureOrigin(method)
  let scope = null
  try {
    scope = openCall(options)
    const [json, beside] = settled(await reading(() => start(scope.call)), origin, names)
    return finish(json, await whole(beside))
  } catch (thrown) {
    throw withOrigin(thrown, origin)
  } finally {
    scope?.close()
  }
}

/** The same for a synchronous function. */
function runSync(method, start, finish, names) {
  const origin = captureOrigin(method)
  try {
    return finish(...begun(start, origin, names))
  } catch (thrown) {
    throw withOrigin(thrown, origin)
  }
}

/**
 * Whatever reads the caller's values: what their getters and proxies throw is a wrong argument. Its words may hold anything,
 * secrets included: only its class is told on.
 */
function reading(read) {
  try {
    return read()
  } catch (thrown) {
    if (thrown instanceof MailError) throw thrown
    throw invalidArgument(`an argument cannot be read: that throws ${kindOf(thrown)}`)
  }
}

/** The deadline and the cancellation of one call, wired to the caller's `signal` until `close`. */
function openCall(options) {
  return reading(() => wired(optionsOf(options)))
}

function wired({ signal, timeoutMs }) {
  const call = new native.Call(timeoutMs)
  if (signal === undefined) return { call, close() {} }
  const abort = () => call.abort()
  if (signal.aborted) abort()
  else signal.addEventListener('abort', abort, { once: true })
  return { call, close: () => letGo(signal, abort) }
}

/** What the call has come to is not lost over it. */
function letGo(signal, abort) {
  try {
    signal.removeEventListener('abort', abort)
  } catch {
    // Not an AbortSignal of the platform: the listener does no harm.
  }
}

/** Longest deadline that timers can hold: 2³¹ − 1 milliseconds, 24 days. */
const MAX_TIMEOUT_MS = 2 ** 31 - 1

function optionsOf(options) {
  if (options !== undefined && !hasFields(options)) throw invalidArgument('options is not an object')
  const [signal, timeoutMs] = [fieldOf(options, 'signal'), fieldOf(options, 'timeoutMs')]
  if (timeoutMs !== undefined && !(Number.isInteger(timeoutMs) && timeoutMs > 0 && timeoutMs <= MAX_TIMEOUT_MS)) {
    throw invalidArgument(`timeoutMs is ${String(timeoutMs)}, not a number of milliseconds above 0`)
  }
  if (signal !== undefined && signal !== null && !isSignal(signal)) {
    throw invalidArgument('signal is not an AbortSignal')
  }
  return { signal: signal ?? undefined, timeoutMs }
}

function isSignal(value) {
  return typeof value.addEventListener === 'function' && typeof value.removeEventListener === 'function'
}

/** The same as `settled` of native work that is not waited for: `start()` reads the arguments and begins it. */
function begun(start, origin, names) {
  return settled(reading(start), origin, names)
}

function settled(reply, origin, names) {
  const [failure, json, blobs, texts, handle] = reply
  if (failure !== null) throw fromNative(failure, origin, names)
  return [json === null ? null : JSON.parse(json), { blobs, texts, handle }]
}

/** Argument errors are made deep inside, foreign ones outside: each leaves with the caller's frames. */
function withOrigin(thrown, origin) {
  return thrown instanceof MailError ? adoptStack(thrown, origin) : fromUnknown(thrown, origin)
}

module.exports = { begun, openCall, reading, run, runSync, settled, withOrigin }
