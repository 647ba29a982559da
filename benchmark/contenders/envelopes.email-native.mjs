import { connectNative } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectNative()
await meter(async () => {
  let count = 0
  for await (const row of client.fetch('INBOX', '1:*', { flags: true, envelope: true, bodyStructure: true })) {
    if (row.envelope.from.length !== 1 || row.bodyStructure.children.length !== 2) throw new Error('not read')
    count += 1
  }
  return count
})
await client.logout()
finish()
