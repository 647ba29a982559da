'use strict'

const { randomUUID } = require('node:crypto')

/**
 * Files an accepted message: into the INBOX of every local recipient, into the sender's mailbox for sent mail (Exchange and Gmail do
 * that by themselves), and into the outbox for foreign recipients.
 *
 * @param {import('./server').Settings} settings
 * @param {Buffer} raw
 * @param {any} session of smtp-server
 * @returns {string} the server's id of it
 */
function deliverMessage({ directory, store, outbox, rewriteMessageId }, raw, session) {
  const id = `${randomUUID()}@simp100.prod.outlook.example`
  const now = new Date()
  const message = rewriteMessageId ? withMessageId(raw, id) : raw
  const { user } = session.user
  const recipients = session.envelope.rcptTo.map(({ address }) => address)
  const local = new Map(
    recipients.map((address) => [address, directory.account(address)]).filter(([, account]) => account),
  )
  const delivered = Buffer.concat([trace(session, id, now), message])
  for (const account of new Set(local.values())) {
    store.account(account.user).deliver(delivered, { mailbox: 'INBOX', internalDate: now })
  }
  store.account(user).deliver(message, { specialUse: '\\Sent', flags: ['\\Seen'], internalDate: now })
  const foreign = recipients.filter((address) => !local.has(address))
  if (foreign.length > 0) {
    outbox.push({
      id,
      user,
      from: session.envelope.mailFrom.address,
      to: foreign,
      raw: message,
      date: now,
      dsn: session.envelope.dsn ?? null,
    })
  }
  return id
}

/** RFC 5321 §4.4: what every server that took a message writes on top of it. */
function trace(session, id, now) {
  const from = session.envelope.mailFrom.address
  return Buffer.from(
    `Return-Path: <${from}>\r\n` +
      `Received: from ${session.hostNameAppearsAs} (${session.remoteAddress})\r\n` +
      ` by smtp.office365.example with ${session.transmissionType} id ${id.split('@')[0]};\r\n` +
      ` ${now.toUTCString().replace('GMT', '+0000')}\r\n`,
  )
}

function withMessageId(raw, id) {
  const text = raw.toString('latin1')
  const end = text.search(/\r?\n\r?\n/)
  const head = text.slice(0, end).replace(/^message-id:.*(\r?\n[ \t].*)*/im, `Message-ID: <${id}>`)
  return Buffer.from(head + text.slice(end), 'latin1')
}

module.exports = { deliverMessage }
