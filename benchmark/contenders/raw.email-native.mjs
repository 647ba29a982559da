import { connectNative } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectNative()
await meter(async () => {
  let count = 0
  for await (const { source } of client.fetch('INBOX', '1:*', { source: true })) {
    if (source.length === 0) throw new Error('not read')
    count += 1
  }
  return count
})
await client.logout()
finish()
