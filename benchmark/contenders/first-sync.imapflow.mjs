import { connectImapflow } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
const query = { uid: true, flags: true, internalDate: true, size: true, envelope: true }
await meter(async () => {
  let count = 0
  for await (const row of client.fetch('1:*', query)) {
    if (row.envelope.from.length !== 1 || row.size === undefined) throw new Error('not read')
    count += 1
  }
  return count
})
await client.logout()
finish()
