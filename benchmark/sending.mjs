// What contenders that send have in common: the mails, and two clients with a pool.

import { createRequire } from 'node:module'

import { given } from './meter.mjs'
import { roundTripsOf } from './twice.mjs'

const require = createRequire(import.meta.url)

/** Handed to a client at once, so that its pool is never idle. */
const IN_FLIGHT = 20

/** Sends `given.messages` mails by `send(mail)`: figures for `meter`. */
export async function sendAll(send) {
  const started = performance.now()
  let next = 0
  const lane = async () => {
    while (next < given.messages) await send(mail(next++))
  }
  await Promise.all(Array.from({ length: IN_FLIGHT }, lane))
  return { messages: next, perSecond: next / ((performance.now() - started) / 1000) }
}

/** Round trips a mail when each waits for the one before. */
export async function mailsOneByOne(connect, send) {
  await perMail(connect, async (client) => {
    for (let i = 0; i < given.messages; i++) await send(client, mail(i))
  })
}

/** Round trips a mail when all are handed over at once. */
export async function mailsAtOnce(connect, sendMany) {
  await perMail(connect, (client) =>
    sendMany(
      client,
      Array.from({ length: given.messages }, (_, i) => mail(i)),
    ),
  )
}

async function perMail(connect, work) {
  const prepare = async (port) => {
    const client = await connect({ port, maxConnections: 1 })
    // A pool may connect with the first mail only: connecting is not measured.
    await work(client)
    return client
  }
  await roundTripsOf(prepare, work, given.messages, given.messages)
}

const attachment = given.attachmentBytes ? Buffer.alloc(given.attachmentBytes, 'bytes of an attachment, ') : null
const text = 'A line of a letter that is as long as lines of letters are.\n'.repeat(
  Math.ceil((given.textBytes ?? 300) / 60),
)

/** Both libraries take this shape. */
export function mail(number) {
  return {
    from: `Ada Example <${given.user}>`,
    to: `ben${number}@contoso.example`,
    subject: `Letter ${number}`,
    text,
    ...(attachment && { attachments: [{ filename: 'data.bin', content: attachment }] }),
  }
}

export function smtpNative({ port = given.port, maxConnections = 5 } = {}) {
  const { SmtpClient } = require('../index.js')
  const { host, ca, password } = given
  // Clients of one mailbox share its connections, and would take them from each other: near and far are two mailboxes.
  const auth = { user: `${port}-${given.user}`, password }
  return SmtpClient.connect({ host, port, tls: 'implicit', ca, auth, pool: { maxConnections } })
}

export async function smtpNodemailer({ port = given.port, maxConnections = 5 } = {}) {
  const { createTransport } = await import('nodemailer')
  const { host, ca, user, password } = given
  return createTransport({
    host,
    port,
    secure: true,
    tls: { ca },
    auth: { user, pass: password },
    pool: true,
    maxConnections,
    maxMessages: Infinity,
  })
}
