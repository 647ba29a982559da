'use strict'

const { createAccess } = require('./access')
const { colleagueMail } = require('./colleague')
const { Directory } = require('./directory/directory')
const { createFace } = require('./face')
const { personalities, startImapServer } = require('./imap')
const { createStore, seed } = require('./mailbox')
const { startOAuthServer } = require('./oauth/server')
const { startSmtpServers } = require('./smtp/server')
const { createAuthority } = require('./tls/authority')

const SEED = 300
const GOOGLE_TOKEN = 'ya29.'

/**
 * Starts a mail world. See index.d.ts for the options and README.md for examples.
 *
 * @param {any} [options]
 */
async function startMailWorld(options = {}) {
  const { host = 'localhost', ports = {} } = options
  const authority = await createAuthority()
  const tls = await authority.issue()
  const directory = new Directory(options)
  const personality = options.imap?.personality
  const store = createStore({ layout: personalities[personality ?? 'default']?.layout })
  const outbox = []
  /** @type {Promise<{ stop: () => Promise<void> }>[]} */
  const started = []
  const start = (promise) => {
    started.push(promise)
    return promise
  }
  try {
    const oauthServer = await start(startOAuthServer({ ...options.oauth, tls, directory, host, port: ports.oauth }))
    const servers = { authority, tls, directory, store, outbox, oauthServer, host, ports, start, options }
    const [imap, imapStarttls, googleImap, smtp] = await Promise.all([
      options.imap === false ? null : startImap(servers, 'microsoft', options.imap),
      options.imap === false ? null : startImap(servers, 'microsoft', { ...options.imap, startTls: true }),
      options.imap === false ? null : startImap(servers, 'google', { personality: 'gmail' }),
      options.smtp === false ? null : startSmtp(servers, options.smtp),
    ])
    await fillMailboxes(directory, store, options.seed ?? SEED)
    return createFace({ ...servers, imap, imapStarttls, googleImap, smtp }, () => stopAll(started))
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

async function startImap({ tls, directory, store, oauthServer, ports, start }, provider, options = {}) {
  const authenticate = createAccess({ directory, oauth: oauthServer.context }, 'imap', provider)
  const port = provider === 'google' ? ports.googleImap : options.startTls ? ports.imapStarttls : ports.imap
  return start(startImapServer({ ...options, store, tls, authenticate, port }))
}

async function startSmtp({ tls, directory, store, outbox, oauthServer, ports, start }, options = {}) {
  const world = { directory, oauth: oauthServer.context }
  const microsoft = createAccess(world, 'smtp', 'microsoft')
  const google = createAccess(world, 'smtp', 'google')
  const authenticate = (credentials) => {
    const provider = directory.account(credentials.user)?.provider
    const isGoogle = credentials.token ? credentials.token.startsWith(GOOGLE_TOKEN) : provider === 'google'
    return (isGoogle ? google : microsoft)(credentials)
  }
  const smtpPorts = { starttls: ports.smtp, implicit: ports.smtps }
  return start(startSmtpServers({ ...options, tls, directory, store, outbox, authenticate, ports: smtpPorts }))
}

/** Everybody's mailboxes exist; the first account of each provider has mail in them, the newest from a colleague. */
async function fillMailboxes(directory, store, count) {
  const accounts = [...directory.accounts.values()].filter(({ mailbox }) => mailbox)
  const first = new Map()
  for (const account of accounts) {
    const box = store.account(account.user, account.provider === 'google' ? { layout: 'gmail' } : {})
    if (count === 0 || first.has(account.provider)) continue
    first.set(account.provider, account)
    await seed(store, box, { count })
  }
  const owner = first.get('microsoft')
  const colleague = accounts.find((account) => owner && account !== owner && account.provider === owner.provider)
  if (!colleague) return
  const date = new Date()
  store.account(owner.user).deliver(colleagueMail(colleague, owner, date), { internalDate: date })
}

/** Also what is still starting; stopping twice is stopping once. */
async function stopAll(started) {
  await Promise.all(
    started.splice(0).map((promise) =>
      promise.then(
        (server) => server.stop(),
        () => {},
      ),
    ),
  )
}

module.exports = { startMailWorld }
