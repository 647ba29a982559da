import { connectNative } from '../clients.mjs'
import { finish } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, connectAndList, 0)
finish()
process.exit(0)

async function connectAndList(port) {
  const client = await connectNative({ port })
  const mailboxes = await client.list({ status: true })
  const counted = mailboxes.filter(({ status }) => status !== null)
  if (counted.length < 30) throw new Error(`${counted.length} mailboxes`)
}
