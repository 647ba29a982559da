import { connectImapflow } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

const client = await connectImapflow()
await client.mailboxOpen('INBOX', { readOnly: true })
await meter(async () => {
  const uids = await client.search({ draft: false }, { uid: true })
  if (uids[0] !== 1 || uids.at(-1) !== given.messages) throw new Error('not read')
  return uids.length
})
await client.logout()
finish()
