import { connectNative } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectNative()
let cursor = null
for await (const batch of client.sync('INBOX', null, { fetch: { flags: true }, batchSize: 1000 })) cursor = batch.cursor
// Once for code that is loaded and compiled at the first time.
await sync()
await meter(sync)
await client.logout()
finish()

async function sync() {
  let total = 0
  for await (const batch of client.sync('INBOX', cursor)) {
    if (batch.cursor !== cursor) throw new Error('something is new')
    total = batch.progress.total
  }
  return total
}
