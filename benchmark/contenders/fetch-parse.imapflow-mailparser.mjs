import { ImapFlow } from 'imapflow'
import { simpleParser } from 'mailparser'

import { meter, server } from '../meter.mjs'

const { host, port, ca, auth } = server.options
const client = new ImapFlow({
  host,
  port,
  secure: true,
  tls: { ca },
  auth: { user: auth.user, pass: auth.password },
  logger: false,
  // On loopback it would only cost it time.
  disableCompression: true,
})
await client.connect()
const lock = await client.getMailboxLock('INBOX')
await meter(async () => {
  let count = 0
  for await (const { source } of client.fetch('1:*', { source: true })) {
    const message = await simpleParser(source)
    if (message.headers.get('from') === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
})
lock.release()
await client.logout()
process.disconnect()
