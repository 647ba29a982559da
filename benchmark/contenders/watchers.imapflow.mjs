import { connectImapflow } from '../clients.mjs'
import { measureCrowd } from '../crowd.mjs'

const watched = []
await measureCrowd(async (user) => {
  const client = await connectImapflow({ user })
  await client.mailboxOpen('INBOX')
  watched.push({ client, idling: client.idle() })
})
