import { connectNative } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, sync, given.messages)
finish()
process.exit(0)

async function sync(port) {
  const client = await connectNative({ port })
  const found = { added: 0, flagged: 0 }
  for await (const batch of client.sync('INBOX', given.cursor, { fetch: { flags: true, envelope: true } })) {
    found.added += batch.added.length
    found.flagged += batch.flags.length
  }
  if (found.added !== given.added || found.flagged !== given.flagged) throw new Error(JSON.stringify(found))
}
