import { finish } from '../meter.mjs'
import { mailsAtOnce, smtpNative } from '../sending.mjs'

await mailsAtOnce(smtpNative, async (client, messages) => {
  for await (const { error } of client.sendMany(messages)) if (error !== null) throw error
})
finish()
process.exit(0)
