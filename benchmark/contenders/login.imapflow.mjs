import { connectImapflow } from '../clients.mjs'
import { finish } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, connectAndList, 0)
finish()
process.exit(0)

async function connectAndList(port) {
  const client = await connectImapflow({ port })
  const statusQuery = { messages: true, unseen: true, uidNext: true, uidValidity: true }
  const mailboxes = await client.list({ statusQuery })
  const counted = mailboxes.filter(({ status }) => status)
  if (counted.length < 30) throw new Error(`${counted.length} mailboxes`)
}
