import { connectNative } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(cursorOf, connectAndSync, given.messages)
finish()
process.exit(0)

async function cursorOf(port) {
  const client = await connectNative({ port: given.nearPort })
  let cursor = null
  for await (const batch of client.sync('INBOX', null)) cursor = batch.cursor
  await client.logout()
  return { port, cursor }
}

async function connectAndSync({ port, cursor }) {
  const client = await connectNative({ port })
  for await (const batch of client.sync('INBOX', cursor)) {
    if (batch.cursor !== cursor || batch.progress.done !== given.messages) throw new Error('something is new')
  }
  client.close()
}
