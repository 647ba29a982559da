// The account that the examples use: made up, in the embedded mail world.

import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { startMailWorld } = require('@nocobase/email-native-simulator')

export const {
  buildMessage,
  diagnose,
  ImapClient,
  MailError,
  microsoft,
  OAuthClient,
  replyTo,
  SmtpClient,
} = require('../index.js')

/** Runs `example` with a world around it. */
export async function withWorld(example) {
  const world = await startMailWorld()
  try {
    const [{ user }] = world.accounts
    const auth = { user, accessToken: () => world.issueToken(user) }
    const { imap, smtp, ca } = world
    await example({
      world,
      user,
      imapOptions: { host: imap.host, port: imap.port, tls: imap.tls, ca, auth },
      smtpOptions: { host: smtp.host, port: smtp.port, tls: smtp.tls, ca, auth },
    })
  } finally {
    await world.stop()
  }
}
