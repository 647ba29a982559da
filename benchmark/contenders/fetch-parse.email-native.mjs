import { createRequire } from 'node:module'

import { meter, server } from '../meter.mjs'

const { ImapClient } = createRequire(import.meta.url)('../../index.js')

const client = await ImapClient.connect(server.options)
await meter(async () => {
  let count = 0
  for await (const { message } of client.fetch('INBOX', '1:*', { message: true })) {
    if (message.headers.from === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
})
await client.logout()
process.disconnect()
