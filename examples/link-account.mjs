// From the settings page to a linked mailbox. `database` stands for the plugin's tables; everything in it is plain JSON.

import { ImapClient, microsoft, OAuthClient, withWorld } from './mailbox.mjs'

const database = new Map()

await withWorld(async ({ world }) => {
  // 1. The administrator pasted client id and secret. (`endpoints` only because this Microsoft is simulated.)
  const { clientId, clientSecret, endpoints } = world.microsoft
  const provider = microsoft({ clientId, clientSecret, endpoints })
  const client = new OAuthClient(provider, { ca: world.ca })

  // 2. "Link account" was clicked: keep the pending part, send the browser away.
  const pending = client.authorizationUrl({ redirectUri: world.client.redirectUri })
  database.set(`pending:${pending.state}`, JSON.stringify(pending))

  // 3. The browser comes back, perhaps to another process.
  const callbackUrl = await world.signIn(pending.url)
  const state = new URL(callbackUrl).searchParams.get('state')
  const { tokens, identity } = await client.redeem(callbackUrl, JSON.parse(database.get(`pending:${state}`)))
  database.set(identity.key, JSON.stringify(tokens))
  console.log(`linked ${identity.name} <${identity.email}> as ${identity.key}`)

  // 4. From now on: one source for all clients of this account. `save` runs before a rotated token is used.
  const source = client.tokenSource({
    tokens,
    load: async () => JSON.parse(database.get(identity.key)),
    save: async (next) => void database.set(identity.key, JSON.stringify(next)),
  })
  const auth = { user: identity.email, accessToken: source }
  const imap = await ImapClient.connect({ ...provider.imap, ca: world.ca, auth })
  console.log(await imap.status('INBOX'))
  await imap.logout()
})
