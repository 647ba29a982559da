import { connectImapflow } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(stateOf, connectAndCompare, given.messages)
finish()
process.exit(0)

async function stateOf(port) {
  const client = await connectImapflow({ port: given.nearPort })
  const { highestModseq, uidNext } = await client.mailboxOpen('INBOX', { readOnly: true })
  await client.logout()
  return { port, highestModseq, uidNext }
}

/** What its documentation offers: changed flags by mod-sequence, new messages by UID, gone ones by all UIDs. */
async function connectAndCompare({ port, highestModseq, uidNext }) {
  const client = await connectImapflow({ port })
  await client.mailboxOpen('INBOX', { readOnly: true })
  for await (const _ of client.fetch('1:*', { uid: true, flags: true }, { changedSince: highestModseq })) {
    throw new Error('something is new')
  }
  for await (const { uid } of client.fetch(`${uidNext}:*`, { uid: true, envelope: true }, { uid: true })) {
    if (uid >= uidNext) throw new Error('something is new')
  }
  const uids = await client.search({ all: true }, { uid: true })
  if (uids.length !== given.messages) throw new Error(`${uids.length} messages`)
  client.close()
}
