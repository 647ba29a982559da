import { connectImapflow } from '../clients.mjs'
import { finish, meter } from '../meter.mjs'

const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
const known = new Map()
await compare()
await meter(compare)
await client.logout()
finish()

/** All flags of all messages, compared with those known. */
async function compare() {
  const seen = new Set()
  for await (const { uid, flags } of client.fetch('1:*', { uid: true, flags: true })) {
    const now = [...flags].sort().join(' ')
    if (known.get(uid) !== now) known.set(uid, now)
    seen.add(uid)
  }
  for (const uid of known.keys()) if (!seen.has(uid)) known.delete(uid)
  return known.size
}
