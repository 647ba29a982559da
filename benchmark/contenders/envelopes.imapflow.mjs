import { connectImapflow } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
await meter(async () => {
  let count = 0
  for await (const row of client.fetch('1:*', { uid: true, flags: true, envelope: true, bodyStructure: true })) {
    if (row.envelope.from.length !== 1 || row.bodyStructure.childNodes.length !== 2) throw new Error('not read')
    count += 1
  }
  return count
})
await client.logout()
finish()
