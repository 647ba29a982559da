import { finish, meter } from '../meter.mjs'
import { sendAll, smtpNodemailer } from '../sending.mjs'

const transport = await smtpNodemailer()
await meter(() => sendAll((message) => transport.sendMail(message)))
transport.close()
finish()
