import { connectNative } from '../clients.mjs'
import { finish, given, meter } from '../meter.mjs'

const clients = []
await meter(async () => {
  const counts = await Promise.all(given.users.map(newest))
  return counts.reduce((sum, count) => sum + count, 0)
})
await Promise.all(clients.map((client) => client.logout()))
finish()

async function newest(user) {
  const client = await connectNative({ user })
  clients.push(client)
  let count = 0
  for await (const { message } of client.fetch('INBOX', { newest: given.newest }, { message: true })) {
    if (message.headers.from === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
}
