import { connectImapflow } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, sync, given.messages)
finish()
process.exit(0)

async function sync(port) {
  const client = await connectImapflow({ port })
  const mailbox = await client.mailboxOpen('INBOX', { readOnly: true })
  if (String(mailbox.highestModseq) !== given.highestModSeq) throw new Error('something was new')
}
