import { finish } from '../meter.mjs'
import { mailsOneByOne, smtpNative } from '../sending.mjs'

await mailsOneByOne(smtpNative, (client, message) => client.send(message))
finish()
process.exit(0)
