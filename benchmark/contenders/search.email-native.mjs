import { connectNative } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

const client = await connectNative()
await client.search('INBOX', { uid: 1 })
await meter(async () => {
  // ALL would be answered by a range: this is as long as an answer gets.
  const uids = await client.search('INBOX', { not: { draft: true } })
  if (uids[0] !== 1 || uids.at(-1) !== given.messages) throw new Error('not read')
  return uids.length
})
await client.logout()
finish()
