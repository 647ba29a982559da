'use strict'

/**
 * The error that every failure of the addon becomes.
 *
 * Fields are defined, never assigned: after SES `lockdown()` an assignment to an inherited name throws. Two copies of
 * the addon in one process have two `MailError` classes, so `code` decides, not `instanceof` alone.
 */
class MailError extends Error {
  constructor(failure, origin) {
    super(failure.message)
    for (const name of FIELDS) {
      define(this, name, { value: failure[name] ?? null, enumerable: true, configurable: true, writable: false })
    }
    if (origin) adoptStack(this, origin)
  }

  /** Everything a log or another process needs; `JSON.stringify` leaves out an error's message otherwise. */
  toJSON() {
    const plain = { name: 'MailError', message: this.message }
    for (const name of FIELDS) define(plain, name, { value: this[name], enumerable: true })
    return plain
  }
}

const FIELDS = ['code', 'category', 'action', 'protocol', 'scope', 'retryable', 'retryAfterMs', 'server', 'delivery']

define(MailError.prototype, 'name', { value: 'MailError', configurable: true, writable: true })

/** A wrong value of the caller's, found before anything was sent. */
function invalidArgument(message, origin, code = 'INVALID_ARGUMENT') {
  return new MailError(
    {
      message,
      code,
      category: 'argument',
      action: 'fix-input',
      protocol: null,
      scope: 'call',
      retryable: false,
      retryAfterMs: null,
      server: null,
      delivery: null,
    },
    origin,
  )
}

/** What native code said, as JSON. It counts arguments (`[1].since`); the caller knows them by `names`. */
function fromNative(json, origin, names) {
  return fromFailure(JSON.parse(json), origin, names)
}

/** The same, parsed already; an error stays one. */
function fromFailure(failure, origin, names = []) {
  if (failure instanceof MailError) return adoptStack(failure, origin)
  failure.message = failure.message.replace(/^\[(\d+)\]/, (place, index) => names[index] ?? place)
  if (failure.server && failure.server.details) failure.server.details = JSON.parse(failure.server.details)
  return new MailError(failure, origin)
}

/** Anything that is thrown beside the protocol of the binding: napi's own complaints, a caught panic. */
function fromUnknown(thrown, origin) {
  if (thrown instanceof MailError) return thrown
  const message = `the addon failed unexpectedly: ${thrown instanceof Error ? thrown.message : String(thrown)}`
  const failure = { message, code: 'INTERNAL', category: 'internal', action: 'none', scope: 'call', retryable: false }
  return new MailError(failure, origin)
}

/** The class of what was thrown: of a foreign error nothing else is told on. */
function kindOf(thrown) {
  try {
    return thrown instanceof Error ? String(thrown.name) : typeof thrown
  } catch {
    // A proxy that throws again.
    return typeof thrown
  }
}

/** Says what became of a message, where nobody has said it yet. */
function withDelivery(error, delivery) {
  if (error.delivery === null) {
    define(error, 'delivery', { value: delivery, enumerable: true, configurable: true, writable: false })
  }
  return error
}

/** Remembers the caller's frames; `method` and what it called are left out. V8 formats them only when they are read. */
function captureOrigin(method) {
  const origin = {}
  if (typeof Error.captureStackTrace === 'function') Error.captureStackTrace(origin, method)
  return origin
}

/** Gives `error` the frames of `origin`, and returns it. */
function adoptStack(error, origin) {
  const stack = typeof origin.stack === 'string' ? origin.stack : ''
  const frames = stack.slice(stack.indexOf('\n') + 1)
  if (!frames.includes('    at ')) return error
  try {
    define(error, 'stack', { value: `MailError: ${error.message}\n${frames}`, configurable: true, writable: true })
  } catch {
    // A tamed Error (SES) may keep its own idea of a stack: the message and the fields are what counts.
  }
  return error
}

function define(target, name, descriptor) {
  Object.defineProperty(target, name, descriptor)
}

module.exports = {
  FIELDS,
  MailError,
  adoptStack,
  captureOrigin,
  fromFailure,
  fromNative,
  fromUnknown,
  invalidArgument,
  kindOf,
  withDelivery,
}
