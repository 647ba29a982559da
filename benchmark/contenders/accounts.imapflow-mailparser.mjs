import { simpleParser } from 'mailparser'

import { connectImapflow } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

const clients = []
await meter(async () => {
  const counts = await Promise.all(given.users.map(newest))
  return counts.reduce((sum, count) => sum + count, 0)
})
await Promise.all(clients.map((client) => client.logout()))
finish()

async function newest(user) {
  const client = await connectImapflow({ user })
  clients.push(client)
  const { exists } = await client.mailboxOpen('INBOX', { readOnly: true })
  let count = 0
  for await (const { source } of client.fetch(`${exists - given.newest + 1}:*`, { source: true })) {
    const message = await simpleParser(source)
    if (message.headers.get('from') === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
}
