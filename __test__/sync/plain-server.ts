import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { startImapServer } = require('@nocobase/email-native-simulator/imap')
const { createStore } = require('@nocobase/email-native-simulator/mailbox')

export const PASSWORD = 'secret'

/** The simulator's IMAP server alone, in clear: a model test is thousands of round trips. */
export async function startPlainServer(personality = 'default') {
  const store = createStore({ layout: personality === 'gmail' ? 'gmail' : 'outlook' })
  const authenticate = async ({ user }: { user: string }) => ({ user })
  const server = await startImapServer({ store, authenticate, personality })
  return { store, server, port: server.port as number, stop: () => server.stop() as Promise<void> }
}
