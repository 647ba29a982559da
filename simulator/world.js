'use strict'

const { AuthError, createAccess } = require('./access')
const { Directory } = require('./directory/directory')
const { startImapServer } = require('./imap')
const { createStore, seed } = require('./mailbox')
const { request } = require('./net/request')
const { Browser } = require('./oauth/browser')
const { createOAuthFace, googleEndpoints } = require('./oauth/face')
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
  const store = createStore()
  const outbox = []
  const started = []
  const start = async (promise) => {
    const server = await promise
    started.push(server)
    return server
  }
  try {
    const oauthServer = await start(startOAuthServer({ ...options.oauth, tls, directory, host, port: ports.oauth }))
    const servers = { authority, tls, directory, store, outbox, oauthServer, host, ports, start }
    const [imap, googleImap, smtp] = await Promise.all([
      options.imap === false ? null : startImap(servers, 'microsoft', options.imap),
      options.imap === false ? null : startImap(servers, 'google', { personality: 'gmail' }),
      options.smtp === false ? null : startSmtp(servers, options.smtp),
    ])
    await fillMailboxes(directory, store, options.seed ?? SEED)
    return createFace({ ...servers, imap, googleImap, smtp }, () => stopAll(started))
  } catch (error) {
    await stopAll(started)
    throw error
  }
}

async function startImap({ tls, directory, store, oauthServer, ports, start }, provider, options = {}) {
  const authenticate = createAccess({ directory, oauth: oauthServer.context }, 'imap', provider)
  const port = provider === 'google' ? ports.googleImap : ports.imap
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

/** Everybody's mailboxes exist; the first account of each provider has mail in them. */
async function fillMailboxes(directory, store, count) {
  const filled = new Set()
  for (const account of directory.accounts.values()) {
    if (!account.mailbox) continue
    const box = store.account(account.user, account.provider === 'google' ? { layout: 'gmail' } : {})
    if (count === 0 || filled.has(account.provider)) continue
    filled.add(account.provider)
    await seed(store, box, { count })
  }
}

function createFace(parts, stop) {
  const { authority, tls, directory, store, outbox, oauthServer, imap, googleImap, smtp, host } = parts
  const { origin } = oauthServer
  const ca = authority.certificate
  const oauth = createOAuthFace(oauthServer)
  const imapAddress = imap && { host, port: imap.port, tls: 'implicit' }
  const smtpAddress = smtp && { host, port: smtp.starttls, tls: 'starttls' }
  const mailServers = { ...(imapAddress && { imap: imapAddress }), ...(smtpAddress && { smtp: smtpAddress }) }
  const googleServers = { ...mailServers, ...(googleImap && { imap: { ...imapAddress, port: googleImap.port } }) }
  const accounts = [...directory.accounts.values()]
  const client = clientFace(directory, 'microsoft')
  const googleClient = clientFace(directory, 'google')
  const find = (account) => {
    const user = typeof account === 'string' ? account : account?.user
    return user === undefined ? accounts[0] : directory.setAccount(user, {})
  }
  Object.assign(oauth.endpoints, mailServers)
  const face = {
    ca,
    tls,
    /** Another certificate of this world's CA: expired, or for another host. */
    issueCertificate: authority.issue,
    oauth,
    imap: imap && { ...imapAddress, ...imapControls(imap) },
    smtp: smtp && { ...smtpAddress, ...smtpControls(smtp) },
    smtps: smtp && { host, port: smtp.implicit, tls: 'implicit' },
    accounts,
    client,
    microsoft: client && { clientId: client.id, clientSecret: client.secret, endpoints: oauth.endpoints },
    google: googleClient && {
      clientId: googleClient.id,
      clientSecret: googleClient.secret,
      endpoints: { ...googleEndpoints(origin), ...googleServers },
      redirectUri: googleClient.redirectUri,
      account: accounts.find(({ provider }) => provider === 'google') ?? null,
      imap: googleImap && imapControls(googleImap),
    },
    store,
    outbox,
    mailbox: (user) => store.account(find(user).user),
    issueToken: oauth.issueToken,
    issueTokens: oauth.issueTokens,
    request: (url, init = {}) => request(url, { ...init, ca }),
    async signIn(url, account, options) {
      const end = await new Browser({ ca, origin }).follow(url, find(account), options)
      if (!('url' in end)) throw new Error(`The sign-in ended on a page: ${end.message}`)
      return end.url
    },
    async approveDevice(verificationUri, userCode, account, options) {
      const values = { user_code: userCode }
      const end = await new Browser({ ca, origin }).follow(verificationUri, find(account), { ...options, values })
      return 'message' in end ? end.message : end.url
    },
    stop,
  }
  if (Symbol.asyncDispose) face[Symbol.asyncDispose] = stop
  return face
}

function clientFace(directory, provider) {
  const client = [...directory.clients.values()].find((candidate) => candidate.provider === provider)
  return client ? { id: client.id, secret: client.secrets[0]?.value ?? null, redirectUri: client.redirectUris[0] ?? null } : null
}

function imapControls({ faults, sessions, connections, expire, disconnect }) {
  return { faults, sessions, connections, expire, disconnect }
}

function smtpControls({ faults, settings, disconnect }) {
  return { failNext: (fault) => faults.failNext(fault), clearFaults: () => faults.clear(), settings, disconnect }
}

async function stopAll(servers) {
  await Promise.all(servers.splice(0).map((server) => server.stop()))
}

module.exports = { startMailWorld, AuthError }
