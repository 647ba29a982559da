import { connectNative } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectNative()
const query = { flags: true, internalDate: true, size: true, envelope: true }
await meter(async () => {
  let count = 0
  for await (const page of client.fetch('INBOX', '1:*', query).pages()) {
    for (const row of page) if (row.envelope.from.length !== 1 || row.size === null) throw new Error('not read')
    count += page.length
  }
  return count
})
await client.logout()
finish()
