'use strict'

const { run, runSync } = require('./call.js')
const { parsedMessage } = require('./decode.js')
const { encodeAll } = require('./encode.js')
const native = require('./native.js')

function parseMessage(source, options) {
  return run(
    parseMessage,
    options,
    (call) => {
      const { json, blobs } = encodeAll({ source, options })
      return native.parseMessage(call, json, blobs)
    },
    parsedMessage,
    ['source', 'options'],
  )
}

function buildMessage(message, options) {
  return run(
    buildMessage,
    options,
    (call) => {
      const { json, blobs } = encodeAll({ message, options })
      return native.buildMessage(call, json, blobs)
    },
    (_json, { blobs }) => blobs[0],
    ['message', 'options'],
  )
}

function replyTo(original, options) {
  return answer(replyTo, native.replyTo, original, options)
}

function forward(original, options) {
  return answer(forward, native.forward, original, options)
}

function answer(method, make, original, options) {
  return runSync(
    method,
    () => {
      const { json, blobs } = encodeAll({ original: withPairs(original), options })
      return make(json, blobs)
    },
    messageInit,
    ['original', 'options'],
  )
}

/** A parsed message as native code has it: `decode.js` undone. */
function withPairs(message) {
  const headers = message?.headers
  if (headers === null || typeof headers !== 'object') return message ?? null
  return { ...message, headers: Object.entries(headers) }
}

/** Absent fields stay absent: the result is edited and given to `send`. */
function messageInit(init, { blobs }) {
  for (const key of Object.keys(init)) if (init[key] === null) delete init[key]
  if (init.date !== undefined) init.date = new Date(init.date)
  for (const attachment of init.attachments ?? []) {
    for (const key of Object.keys(attachment)) if (attachment[key] === null) delete attachment[key]
    if (typeof attachment.content === 'number') attachment.content = blobs[attachment.content]
  }
  return init
}

module.exports = { buildMessage, forward, parseMessage, replyTo }
