import { connectNative } from '../clients.mjs'
import { measureCrowd } from '../crowd.mjs'

const watched = []
await measureCrowd(async (user) => {
  const client = await connectNative({ user })
  const events = client.watch('INBOX')
  watched.push({ client, events, next: events.next() })
})
