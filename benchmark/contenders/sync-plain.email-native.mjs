import { connectNative } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

const client = await connectNative()
await meter(async () => {
  let cursor = null
  for await (const batch of client.sync('INBOX', given.cursor)) {
    if (batch.added.length + batch.flags.length + batch.vanished.length > 0) throw new Error('something was new')
    cursor = batch.cursor
  }
  return { messages: given.messages, cursorKb: (cursor ?? given.cursor).length / 1024 }
})
await client.logout()
finish()
