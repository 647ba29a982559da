import { finish } from '../meter.mjs'
import { mailsAtOnce, smtpNodemailer } from '../sending.mjs'

await mailsAtOnce(smtpNodemailer, (transport, messages) =>
  Promise.all(messages.map((message) => transport.sendMail(message))),
)
finish()
process.exit(0)
