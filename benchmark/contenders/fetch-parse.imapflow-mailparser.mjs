import { simpleParser } from 'mailparser'

import { connectImapflow } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
await meter(async () => {
  let count = 0
  for await (const { source } of client.fetch('1:*', { source: true })) {
    const message = await simpleParser(source)
    if (message.headers.get('from') === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
})
await client.logout()
finish()
