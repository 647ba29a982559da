import { connectNative } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectNative()
await meter(async () => {
  let count = 0
  for await (const { message } of client.fetch('INBOX', '1:*', { message: true })) {
    if (message.headers.from === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
})
await client.logout()
finish()
