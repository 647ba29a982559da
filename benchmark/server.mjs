// A mailbox of made-up, realistic mails on Dovecot (or on the simulator), in a process of its own.

import { createRequire } from 'node:module'

import { startRealServers, whyNoDovecot } from '../__test__/servers/real.mjs'

const require = createRequire(import.meta.url)
const { startMailWorld } = require('@nocobase/email-native-simulator')
const { makeMails } = require('@nocobase/email-native-simulator/mailbox')
const { ImapClient } = require('../index.js')

const messages = Number(process.argv[2])
const account = { user: 'bench@contoso.example', name: 'Bench Example', password: 'bench-password-1' }
const world = await startMailWorld({ accounts: [account], seed: 0 })
const real = whyNoDovecot() === null ? await startRealServers(world) : null
if (real === null) console.log(`Dovecot: ${whyNoDovecot()}; measuring on the simulator`)
const { host, port, tls } = real?.imap ?? world.imap
const options = { host, port, tls, ca: world.ca, auth: { user: account.user, password: account.password } }

let count = 0
let bytes = 0
const client = await ImapClient.connect(options)
for (const { raw, flags, internalDate } of makeMails({ count: messages })) {
  await client.append('INBOX', raw, { flags, internalDate })
  count += 1
  bytes += raw.length
}
await client.logout()

process.send({ name: real ? 'Dovecot' : 'simulator', options, messages: count, bytes })
process.once('message', async () => {
  await real?.stop()
  await world.stop()
  process.exit(0)
})
