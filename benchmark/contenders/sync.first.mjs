import { connectNative } from '../clients.mjs'
import { finish, send } from '../meter.mjs'

const client = await connectNative()
const { highestModSeq } = await client.status('INBOX')
let last = null
for await (const { cursor } of client.sync('INBOX', null, { fetch: { flags: true }, batchSize: 1000 })) last = cursor
await client.logout()
send({ cursor: last, highestModSeq })
finish()
