import { connectNative } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(opened, download, 1)
finish()
process.exit(0)

async function opened(port) {
  const client = await connectNative({ port })
  await client.search('INBOX', { uid: 1 })
  return client
}

async function download(client) {
  let bytes = 0
  for await (const chunk of client.download('INBOX', 1, { part: given.part })) bytes += chunk.length
  if (bytes < 1e6) throw new Error(`only ${bytes} bytes`)
}
