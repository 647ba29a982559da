import { connectImapflow } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf((port) => port, sync, given.messages)
finish()
process.exit(0)

async function sync(port) {
  const client = await connectImapflow({ port })
  const { exists } = await client.mailboxOpen('INBOX', { readOnly: true })
  const query = { uid: true, flags: true, envelope: true }
  let found = 0
  for await (const { flags } of client.fetch('1:*', query, { changedSince: BigInt(given.highestModSeq) })) {
    if (flags === undefined) throw new Error('not read')
    found += 1
  }
  // What was expunged is told by the UIDs that are left.
  const uids = await client.search({ all: true }, { uid: true })
  if (found !== given.added + given.flagged || uids.length !== exists) throw new Error(`${found} changes`)
}
