import { connectImapflow } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

// A careful difference in JavaScript: what is stored is a map of flags by UID, each set of flags one string.
const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
const stored = new Map()
await difference()
await meter(async () => {
  const news = await difference()
  if (news > 0 || stored.size !== given.messages) throw new Error('something was new')
  return given.messages
})
await client.logout()
finish()

async function difference() {
  const unseen = new Set(stored.keys())
  let news = 0
  for await (const { uid, flags } of client.fetch('1:*', { uid: true, flags: true })) {
    const now = [...flags].sort().join(' ')
    unseen.delete(uid)
    if (stored.get(uid) === now) continue
    stored.set(uid, now)
    news += 1
  }
  for (const uid of unseen) stored.delete(uid)
  return news + unseen.size
}
