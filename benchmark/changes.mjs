// A small mailbox of its own for each measurement, and what happens in it between two syncs.

import { randomUUID } from 'node:crypto'

import { connectNative } from './clients.mjs'
import { given } from './meter.mjs'

/** Messages that come. */
export const NEW = 10
/** Messages that get another flag. */
export const FLAGGED = 50

const MAIL = Buffer.from('From: a@example.com\r\nTo: b@example.com\r\nSubject: Report\r\n\r\nHello.\r\n')

/** A client, near, and a mailbox with twice as many messages as will be flagged. */
export async function filled() {
  const client = await connectNative({ port: given.nearPort })
  const path = `Sync ${randomUUID()}`
  await client.create(path)
  for (let i = 0; i < 2 * FLAGGED; i++) await client.append(path, MAIL)
  return { client, path }
}

/** New messages and new flags. */
export async function changed(client, path) {
  await client.addFlags(path, `1:${FLAGGED}`, ['\\Seen'])
  for (let i = 0; i < NEW; i++) await client.append(path, MAIL)
}
