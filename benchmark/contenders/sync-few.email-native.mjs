import { connectNative } from '../clients.mjs'
import { changed, filled, FLAGGED, NEW } from '../changes.mjs'
import { finish } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(changedSince, connectAndSync, 0)
finish()
process.exit(0)

async function changedSince(port) {
  const { client, path } = await filled()
  let cursor = null
  for await (const batch of client.sync(path, null)) cursor = batch.cursor
  await changed(client, path)
  await client.logout()
  return { port, path, cursor }
}

async function connectAndSync({ port, path, cursor }) {
  const client = await connectNative({ port })
  let [added, flags] = [0, 0]
  for await (const batch of client.sync(path, cursor)) {
    added += batch.added.length
    flags += batch.flags.length
  }
  if (added !== NEW || flags !== FLAGGED) throw new Error(`${added} new, ${flags} changed`)
  client.close()
}
