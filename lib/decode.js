'use strict'

const { words } = require('./native.js')

/*
 * Native rows come as arrays of values in the order of `src/rows.rs`, with dates as milliseconds and bytes and long texts as indices
 * of `beside`. These functions give them the names and shapes of index.d.ts. They run on the JS thread for every message: each
 * object is made at once, in its final shape.
 */

/** What numbers stand for where a text may be a word of `src/words.rs`. */
const WORDS = words()

function messages(page, beside) {
  return page.map((row) => fetchedMessage(row, beside))
}

function fetchedMessage(row, beside) {
  return {
    uid: row[0],
    flags: row[1] === null ? null : wordsOf(row[1]),
    internalDate: date(row[2]),
    size: row[3],
    modSeq: row[4],
    emailId: row[5],
    threadId: row[6],
    labels: row[7],
    envelope: row[8] === null ? null : envelope(row[8]),
    bodyStructure: row[9] === null ? null : bodyPart(row[9]),
    headers: row[10] === null ? null : headerMap(row[10]),
    source: row[11] === null ? null : beside.blobs[row[11]],
    message: row[12] === null ? null : parsedMessage(row[12], beside),
    degraded: row[13],
  }
}

function envelope(row) {
  const from = row[4][0]
  const others = row[4][1]
  return {
    date: date(row[0]),
    subject: row[1],
    messageId: row[2],
    inReplyTo: row[3],
    from: addresses(from, from),
    sender: addresses(others[0], from),
    replyTo: addresses(others[1], from),
    to: addresses(others[2], from),
    cc: addresses(others[3], from),
    bcc: addresses(others[4], from),
  }
}

/** Recursive: native code bounds the depth. */
function bodyPart(part) {
  return {
    part: word(part[0]),
    type: word(part[1]),
    parameters: mapOf(part[2]),
    encoding: word(part[3]),
    size: part[4],
    disposition: word(part[5]),
    filename: part[6],
    contentId: part[7],
    children: part[8].map(bodyPart),
  }
}

function parsedMessage(row, { blobs, texts }) {
  const [ids, [milliseconds, subject, baseSubject], [from, others], headers, bodies] = row
  const message = {
    messageId: ids[0],
    inReplyTo: ids[1],
    references: ids[2],
    threadKey: ids[3],
    date: date(milliseconds),
    subject,
    baseSubject,
    from: addresses(from, from),
    sender: addresses(others[0], from),
    replyTo: addresses(others[1], from),
    to: addresses(others[2], from),
    cc: addresses(others[3], from),
    bcc: addresses(others[4], from),
    headers: headerMap(headers),
    text: textOf(bodies[0], texts),
    html: textOf(bodies[1], texts),
    safeHtml: textOf(bodies[2], texts),
    preview: row[5],
    attachments: row[6].map((values) => attachment(values, blobs)),
    invites: row[7].map((values) => invite(values, texts)),
    report: row[8],
    security: row[9],
    defects: row[10],
  }
  if (bodies[3] !== null) message.trackingPixels = bodies[3]
  return message
}

function attachment(values, blobs) {
  return {
    part: word(values[0]),
    filename: values[1],
    contentType: word(values[2]),
    size: values[3],
    contentId: values[4],
    inline: values[5],
    content: values[6] === null ? null : blobs[values[6]],
  }
}

function invite(values, texts) {
  return {
    method: values[0],
    uid: values[1],
    summary: values[2],
    start: date(values[3]),
    end: date(values[4]),
    organizer: values[5],
    raw: textOf(values[6], texts),
  }
}

function syncBatch([reset, added, flags, vanished, cursor, progress], beside) {
  return {
    reset,
    added: messages(added, beside),
    flags: flags.map(([uid, list, modSeq]) => ({ uid, flags: wordsOf(list), modSeq })),
    vanished,
    cursor: textOf(cursor, beside.texts),
    progress,
  }
}

/** Names, addresses and groups, one behind the other; 0 stands for those of `like`. */
function addresses(values, like) {
  if (values === 0) values = like
  const list = []
  for (let i = 0; i < values.length; i += 3) {
    const name = values[i]
    const address = values[i + 1]
    const group = values[i + 2]
    list.push(group === null ? { name, address } : { name, address, group })
  }
  return list
}

/** A map with a null prototype: names come from foreign mail and may be `__proto__`. */
function mapOf(values) {
  const map = Object.create(null)
  for (let i = 0; i < values.length; i += 2) map[word(values[i])] = word(values[i + 1])
  return map
}

/** The same of lists; a name's only value stands for itself. */
function headerMap(values) {
  const map = Object.create(null)
  for (let i = 0; i < values.length; i += 2) {
    const value = values[i + 1]
    map[word(values[i])] = typeof value === 'string' ? [value] : value
  }
  return map
}

function word(value) {
  return typeof value === 'number' ? WORDS[value] : value
}

/** In place: the list is ours. */
function wordsOf(list) {
  for (let i = 0; i < list.length; i++) list[i] = word(list[i])
  return list
}

function date(milliseconds) {
  return milliseconds === null ? null : new Date(milliseconds)
}

function textOf(value, texts) {
  return typeof value === 'number' ? texts[value] : value
}

module.exports = { fetchedMessage, messages, parsedMessage, syncBatch }
