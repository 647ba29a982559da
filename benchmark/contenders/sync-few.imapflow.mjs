import { changed, filled, FLAGGED, NEW } from '../changes.mjs'
import { connectImapflow } from '../clients.mjs'
import { finish } from '../meter.mjs'
import { roundTripsOf } from '../twice.mjs'

await roundTripsOf(changedSince, connectAndCompare, 0)
finish()
process.exit(0)

async function changedSince(port) {
  const { client, path } = await filled()
  const { highestModSeq, uidNext } = await client.status(path)
  await changed(client, path)
  await client.logout()
  return { port, path, highestModseq: BigInt(highestModSeq), uidNext }
}

async function connectAndCompare({ port, path, highestModseq, uidNext }) {
  const client = await connectImapflow({ port })
  await client.mailboxOpen(path, { readOnly: true })
  let [added, flags] = [0, 0]
  for await (const { uid } of client.fetch('1:*', { uid: true, flags: true }, { changedSince: highestModseq })) {
    if (uid < uidNext) flags += 1
  }
  for await (const { uid } of client.fetch(`${uidNext}:*`, { uid: true, envelope: true }, { uid: true })) {
    if (uid >= uidNext) added += 1
  }
  await client.search({ all: true }, { uid: true })
  if (added !== NEW || flags !== FLAGGED) throw new Error(`${added} new, ${flags} changed`)
  client.close()
}
