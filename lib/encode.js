'use strict'

const { types } = require('node:util')

const { invalidArgument } = require('./error.js')

/** Deeper values are cyclic or hostile: no option of this addon nests like that. */
const MAX_DEPTH = 64

/**
 * A value of the caller's as JSON, with its bytes beside it.
 *
 * `JSON.stringify` alone would lose what is wrong: NaN and broken dates become null, functions vanish. Here each is
 * refused by its path. Dates become milliseconds, byte arrays their index in `blobs`.
 */
function encode(value, label) {
  const blobs = []
  return { json: JSON.stringify(plain(value, label, blobs, 0)), blobs }
}

/** The same for several arguments by their names; what is undefined is null. `options` go without what is the call's own. */
function encodeAll(args) {
  const blobs = []
  const values = Object.keys(args).map((name) => {
    const value = name === 'options' ? withoutCall(args.options) : args[name]
    return field(name, value ?? null, name, blobs, 0)
  })
  return { json: JSON.stringify(values), blobs }
}

/** `options` without what belongs to the call itself. */
function withoutCall(options) {
  if (options !== undefined && !hasFields(options)) return options
  const rest = { __proto__: null }
  for (const name in options) {
    if (name !== 'signal' && name !== 'timeoutMs') rest[name] = fieldOf(options, name)
  }
  return rest
}

/** A field that the object, its class or what it was made from has; never one that somebody has put on `Object.prototype`. */
function fieldOf(value, name) {
  if (value === undefined || value === null) return undefined
  return name in Object.prototype && !Object.hasOwn(value, name) ? undefined : value[name]
}

/** What crosses as a number, and so has to be told from one here: dates as milliseconds, bytes as an index. */
const DATES = new Set(['since', 'before', 'sentSince', 'sentBefore', 'internalDate', 'date', 'start', 'end'])
const BYTES = new Set(['source', 'message', 'raw', 'content'])

function field(name, value, path, blobs, depth) {
  if (types.isDate(value) ? !DATES.has(name) : typeof value === 'number' && DATES.has(name)) {
    throw invalidArgument(DATES.has(name) ? `${path} is a number, not a Date` : `${path} cannot be a Date`)
  }
  if (types.isUint8Array(value) ? !BYTES.has(name) : typeof value === 'number' && BYTES.has(name)) {
    throw invalidArgument(BYTES.has(name) ? `${path} is a number, not bytes (Uint8Array)` : `${path} cannot be bytes`)
  }
  return plain(value, path, blobs, depth)
}

function plain(value, path, blobs, depth) {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'number':
      if (Number.isFinite(value)) return value
      throw invalidArgument(`${path} is ${value}, not a finite number`)
    case 'object':
      return value === null ? null : plainObject(value, path, blobs, depth)
    default:
      throw invalidArgument(`${path} is a ${typeof value}, which cannot be used here`)
  }
}

/** Items of a list: none is a date, or bytes. */
const NO_NAME = ''

function plainObject(value, path, blobs, depth) {
  if (depth > MAX_DEPTH) throw invalidArgument(`${path} is nested too deeply or refers to itself`)
  if (types.isUint8Array(value)) return blobs.push(present(value, path)) - 1
  if (types.isDate(value)) return millisecondsOf(value, path)
  if (Array.isArray(value)) {
    return value.map((item, index) => {
      if (item === undefined) throw invalidArgument(`${path}[${index}] is undefined`)
      return field(NO_NAME, item, `${path}[${index}]`, blobs, depth + 1)
    })
  }
  if (!hasFields(value)) throw invalidArgument(`${path} is a ${value.constructor.name}, which cannot be used here`)
  const copy = Object.create(null)
  for (const key of Object.keys(value)) {
    const item = value[key]
    if (item !== undefined) copy[key] = field(key, item, `${path}.${key}`, blobs, depth + 1)
  }
  return copy
}

/** Bytes whose buffer was transferred to another thread look like none at all, and would be sent so. */
function present(bytes, path) {
  try {
    // The only thing that tells in Node 18: there is no view of such a buffer.
    if (bytes.length === 0) new Uint8Array(bytes.buffer)
  } catch {
    throw invalidArgument(`${path} has lost its bytes: its buffer was transferred`)
  }
  return bytes
}

/** Objects whose own keys are not what they hold: read as fields, each would be `{}`, which asks for everything. */
const WITHOUT_FIELDS = [
  Array.isArray,
  ArrayBuffer.isView,
  types.isAnyArrayBuffer,
  types.isBoxedPrimitive,
  types.isDate,
  types.isMap,
  types.isPromise,
  types.isRegExp,
  types.isSet,
]

/** Whether `value` can be an object of options: a plain one, or an instance of some class. */
function hasFields(value) {
  return value !== null && typeof value === 'object' && !WITHOUT_FIELDS.some((isOne) => isOne(value))
}

function millisecondsOf(date, path) {
  const time = Date.prototype.getTime.call(date)
  if (Number.isNaN(time)) throw invalidArgument(`${path} is an invalid Date`)
  return time
}

module.exports = { encode, encodeAll, fieldOf, hasFields, withoutCall }
