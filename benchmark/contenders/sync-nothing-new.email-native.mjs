import { connectNative } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, sync, given.messages)
finish()
process.exit(0)

async function sync(port) {
  const client = await connectNative({ port })
  for await (const batch of client.sync('INBOX', given.cursor)) {
    if (batch.added.length + batch.flags.length + batch.vanished.length > 0) throw new Error('something was new')
  }
}
