'use strict'

/*
 * Native rows come as JSON with dates as milliseconds, maps as pairs and bytes and long texts as indices of `beside`. These functions
 * give them the shapes of index.d.ts, in place. They run on the JS thread for every message: no copies, no closures.
 */

/** A map with a null prototype: names come from foreign mail and may be `__proto__`. */
function mapOf(pairs) {
  if (pairs === null) return null
  const map = Object.create(null)
  for (let i = 0; i < pairs.length; i++) map[pairs[i][0]] = pairs[i][1]
  return map
}

function dateOf(milliseconds) {
  return milliseconds === null ? null : new Date(milliseconds)
}

function fetchedMessage(row, beside) {
  row.internalDate = dateOf(row.internalDate)
  if (row.envelope !== null) row.envelope.date = dateOf(row.envelope.date)
  if (row.bodyStructure !== null) bodyPart(row.bodyStructure)
  row.headers = mapOf(row.headers)
  if (row.source !== null) row.source = beside.blobs[row.source]
  if (row.message !== null) parsedMessage(row.message, beside)
  return row
}

/** Iterative: a body structure may be as deep as the server likes. */
function bodyPart(root) {
  const open = [root]
  for (let part = open.pop(); part !== undefined; part = open.pop()) {
    part.parameters = mapOf(part.parameters)
    for (const child of part.children) open.push(child)
  }
}

function parsedMessage(message, { blobs, texts }) {
  if (typeof message.text === 'number') message.text = texts[message.text]
  if (typeof message.html === 'number') message.html = texts[message.html]
  if (typeof message.safeHtml === 'number') message.safeHtml = texts[message.safeHtml]
  message.date = dateOf(message.date)
  message.headers = mapOf(message.headers)
  for (const attachment of message.attachments) {
    if (attachment.content !== null) attachment.content = blobs[attachment.content]
  }
  for (const invite of message.invites) {
    if (typeof invite.raw === 'number') invite.raw = texts[invite.raw]
    invite.start = dateOf(invite.start)
    invite.end = dateOf(invite.end)
  }
  return message
}

function syncBatch(batch, beside) {
  if (typeof batch.cursor === 'number') batch.cursor = beside.texts[batch.cursor]
  for (const row of batch.added) fetchedMessage(row, beside)
  return batch
}

module.exports = { fetchedMessage, mapOf, parsedMessage, syncBatch }
