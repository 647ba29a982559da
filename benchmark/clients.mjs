// Connections as a user of each library would make them.

import { createRequire } from 'node:module'

import { given } from './meter.mjs'

const require = createRequire(import.meta.url)

/** This addon's client, for an account of the server. */
export function connectNative(more = {}) {
  const { ImapClient } = require('../index.js')
  const { host, port, ca, user, password } = { ...given, ...more }
  return ImapClient.connect({ host, port, tls: 'implicit', ca, auth: { user, password } })
}

/** imapflow's client, for the same account. */
export async function connectImapflow(more = {}) {
  const { ImapFlow } = await import('imapflow')
  const { host, port, ca, user, password } = { ...given, ...more }
  const client = new ImapFlow({
    host,
    port,
    secure: true,
    tls: { ca },
    auth: { user, pass: password },
    logger: false,
    // On loopback it would only cost it time.
    disableCompression: true,
  })
  await client.connect()
  return client
}
