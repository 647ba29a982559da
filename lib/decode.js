'use strict'

const { words } = require('./native.js')

/*
 * Native rows come as one list of values in the order of `src/rows.rs`, lists behind their length, with dates as milliseconds and
 * bytes and long texts as indices of what comes beside. These functions give them the names and shapes of index.d.ts. They
 * run on the JS thread for every message: each object is made at once, in its final shape, its fields in the order of the values.
 */

/** What numbers stand for where a text may be a word of `src/words.rs`. */
const WORDS = words()
/** Stands for the length of a list of addresses that is the same as `from`. */
const LIKE_FROM = -1

/** What is being read, and up to where. One reading ends before the next begins. */
let values = null
let at = 0
let beside = null
/** Of the message that is being read. */
let from = null

/** A function of what native code answers. */
function reading(read) {
  return (list, more) => {
    values = list
    at = 0
    beside = more
    try {
      return read()
    } finally {
      values = beside = from = null
    }
  }
}

function next() {
  return values[at++]
}

function listOf(read) {
  const length = next()
  const list = []
  for (let i = 0; i < length; i++) list.push(read())
  return list
}

function fetchedMessage() {
  return {
    uid: next(),
    flags: flags(next()),
    internalDate: date(),
    size: next(),
    modSeq: next(),
    emailId: next(),
    threadId: next(),
    labels: next(),
    envelope: next() === 0 ? null : envelope(),
    bodyStructure: next() === 0 ? null : bodyPart(),
    headers: headers(next()),
    source: blob(),
    message: next() === 0 ? null : parsedMessage(),
    degraded: next(),
  }
}

function envelope() {
  return {
    date: date(),
    subject: text(),
    messageId: next(),
    inReplyTo: next(),
    from: authors(),
    sender: addresses(),
    replyTo: addresses(),
    to: addresses(),
    cc: addresses(),
    bcc: addresses(),
  }
}

/** Recursive: native code bounds the depth. */
function bodyPart() {
  return {
    part: word(),
    type: word(),
    parameters: parameters(next()),
    encoding: word(),
    size: next(),
    disposition: word(),
    filename: next(),
    contentId: next(),
    children: listOf(bodyPart),
  }
}

function parsedMessage() {
  const message = {
    messageId: next(),
    inReplyTo: next(),
    references: next(),
    threadKey: next(),
    date: date(),
    subject: text(),
    baseSubject: text(),
    from: authors(),
    sender: addresses(),
    replyTo: addresses(),
    to: addresses(),
    cc: addresses(),
    bcc: addresses(),
    headers: headers(next()),
    text: text(),
    html: text(),
    safeHtml: text(),
    preview: next(),
    attachments: listOf(attachment),
    invites: listOf(invite),
    report: next(),
    security: next(),
    defects: next(),
  }
  const trackingPixels = next()
  if (trackingPixels !== null) message.trackingPixels = trackingPixels
  return message
}

function authors() {
  from = addresses()
  return from
}

function addresses() {
  const length = next()
  if (length === LIKE_FROM) return from.map(copy)
  const list = []
  for (let i = 0; i < length; i++) list.push(address(next(), next(), next()))
  return list
}

function address(name, address, group) {
  return group === null ? { name, address } : { name, address, group }
}

function copy({ name, address: of, group = null }) {
  return address(name, of, group)
}

function attachment() {
  return {
    part: word(),
    filename: next(),
    contentType: word(),
    size: next(),
    contentId: next(),
    inline: next(),
    content: blob(),
  }
}

function invite() {
  return {
    method: next(),
    uid: next(),
    summary: next(),
    start: date(),
    end: date(),
    organizer: next(),
    raw: text(),
  }
}

function syncBatch() {
  return {
    reset: next(),
    added: listOf(fetchedMessage),
    flags: listOf(changed),
    vanished: next(),
    cursor: text(),
    progress: next(),
  }
}

function changed() {
  return { uid: next(), flags: flags(next()), modSeq: next() }
}

function flags(length) {
  if (length === null) return null
  const list = []
  for (let i = 0; i < length; i++) list.push(word())
  return list
}

/** A map with a null prototype: names come from foreign mail and may be `__proto__`. */
function parameters(length) {
  const map = Object.create(null)
  for (let i = 0; i < length; i++) {
    const name = word()
    map[name] = word()
  }
  return map
}

/** The same of lists; a name's only value stands for itself. */
function headers(length) {
  if (length === null) return null
  const map = Object.create(null)
  for (let i = 0; i < length; i++) {
    const name = word()
    const value = next()
    map[name] = Array.isArray(value) ? value.map(whole) : [whole(value)]
  }
  return map
}

function word() {
  const value = next()
  return typeof value === 'number' ? WORDS[value] : value
}

function date() {
  const milliseconds = next()
  return milliseconds === null ? null : new Date(milliseconds)
}

function blob() {
  const value = next()
  return value === null ? null : beside.blobs[value]
}

function text() {
  return whole(next())
}

function whole(value) {
  return typeof value === 'number' ? beside.texts[value] : value
}

module.exports = {
  fetchedMessage: reading(() => (next() === 0 ? null : fetchedMessage())),
  messages: reading(() => listOf(fetchedMessage)),
  parsedMessage: reading(parsedMessage),
  syncBatch: reading(syncBatch),
}
