import { connectImapflow } from '../clients.mjs'
import { finish, given } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(opened, download, 1)
finish()
process.exit(0)

async function opened(port) {
  const client = await connectImapflow({ port })
  await client.mailboxOpen('INBOX', { readOnly: true })
  return client
}

async function download(client) {
  const { content } = await client.download('1', given.part, { uid: true })
  let bytes = 0
  for await (const chunk of content) bytes += chunk.length
  if (bytes < 1e6) throw new Error(`only ${bytes} bytes`)
}
