import { finish, meter } from '../meter.mjs'
import { sendAll, smtpNative } from '../sending.mjs'

const client = await smtpNative()
await meter(() => sendAll((message) => client.send(message)))
await client.close()
finish()
