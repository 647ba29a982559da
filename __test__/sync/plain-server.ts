import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { startImapServer } = require('@nocobase/email-native-simulator/imap')
const { createStore } = require('@nocobase/email-native-simulator/mailbox')
const { Content } = require('@nocobase/email-native-simulator/mailbox/content')

export const PASSWORD = 'secret'

interface Credentials {
  user: string
  token: string | null
}

interface Options {
  /** Whether a token opens the mailbox now. */
  accepts?: (credentials: Credentials) => boolean
}

/** The simulator's IMAP server alone, in clear: a model test is thousands of round trips. */
export async function startPlainServer(personality = 'default', { accepts = () => true }: Options = {}) {
  const store = createStore({ layout: personality === 'gmail' ? 'gmail' : 'outlook' })
  const authenticate = async (credentials: Credentials) => {
    if (!accepts(credentials)) throw Object.assign(new Error('refused'), { challenge: { status: '401' }, tagged: 'NO' })
    return { user: credentials.user }
  }
  const server = await startImapServer({ store, authenticate, personality })
  return { store, server, port: server.port as number, stop: () => server.stop() as Promise<void> }
}

/** Files `count` messages with the same bytes, which are there once: a large mailbox that costs no memory. */
export function fill(
  store: { account(user: string): { get(path: string): { add(items: object[]): void } } },
  user: string,
  raw: Buffer,
  count: number,
  flagsAt: (index: number) => string[] = () => [],
): void {
  const content = new Content(raw, new Date(), 1)
  const items = Array.from({ length: count }, (_, index) => ({ content, flags: flagsAt(index) }))
  store.account(user).get('INBOX').add(items)
}
