import { finish } from '../meter.mjs'
import { mailsOneByOne, smtpNodemailer } from '../sending.mjs'

await mailsOneByOne(smtpNodemailer, (transport, message) => transport.sendMail(message))
finish()
process.exit(0)
