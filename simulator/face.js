'use strict'

const { request } = require('./net/request')
const { Browser } = require('./oauth/browser')
const { createOAuthFace, googleEndpoints } = require('./oauth/face')
const { exchangeRefusals } = require('./smtp/replies')

/** What `startMailWorld` resolves to, put together from the running servers. */
function createFace(parts, stop) {
  const { authority, tls, directory, store, outbox, oauthServer, imap, imapStarttls, googleImap, smtp, host, options } =
    parts
  const { origin } = oauthServer
  const ca = authority.certificate
  const oauth = createOAuthFace(oauthServer)
  const imapAddress = imap && { host, port: imap.port, tls: options.imap?.startTls ? 'starttls' : 'implicit' }
  const smtpAddress = smtp && { host, port: smtp.starttls, tls: 'starttls' }
  const mailServers = { ...(imapAddress && { imap: imapAddress }), ...(smtpAddress && { smtp: smtpAddress }) }
  const googleServers = {
    ...mailServers,
    ...(googleImap && { imap: { host, port: googleImap.port, tls: 'implicit' } }),
  }
  const accounts = [...directory.accounts.values()]
  const client = clientFace(directory, 'microsoft')
  const googleClient = clientFace(directory, 'google')
  const find = (account) => {
    const user = typeof account === 'string' ? account : account?.user
    return user === undefined ? accounts[0] : directory.setAccount(user, {})
  }
  // With a password of its own a person may also be wrong, or nobody.
  const person = (account) => (account?.password ? account : find(account))
  Object.assign(oauth.endpoints, mailServers)
  const face = {
    ca,
    tls,
    /** Another certificate of this world's CA: expired, or for another host. */
    issueCertificate: authority.issue,
    oauth,
    imap: imap && controlled(imapAddress, imapControls(imap)),
    imapStarttls:
      imapStarttls && controlled({ host, port: imapStarttls.port, tls: 'starttls' }, imapControls(imapStarttls)),
    smtp: smtp && controlled(smtpAddress, smtpControls(smtp)),
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
      const end = await new Browser({ ca, origin }).follow(url, person(account), options)
      if (!('url' in end)) throw new Error(`The sign-in ended on a page: ${end.message}`)
      return end.url
    },
    async approveDevice(verificationUri, userCode, account, options) {
      const values = { user_code: userCode }
      const end = await new Browser({ ca, origin }).follow(verificationUri, person(account), { ...options, values })
      return 'message' in end ? end.message : end.url
    },
    stop,
  }
  if (Symbol.asyncDispose) face[Symbol.asyncDispose] = stop
  return face
}

function clientFace(directory, provider) {
  const client = [...directory.clients.values()].find((candidate) => candidate.provider === provider)
  return client
    ? { id: client.id, secret: client.secrets[0]?.value ?? null, redirectUri: client.redirectUris[0] ?? null }
    : null
}

/** An address that can be spread into a client's options: what steers the server is not enumerable. */
function controlled(address, controls) {
  const properties = Object.entries(controls).map(([name, value]) => [name, { value }])
  return Object.defineProperties({ ...address }, Object.fromEntries(properties))
}

function imapControls({ faults, sessions, connections, expire, disconnect }) {
  return { faults, sessions, connections, expire, disconnect }
}

function smtpControls({ faults, settings, statistics, disconnect }) {
  return {
    failNext: (fault) => faults.failNext(fault),
    clearFaults: () => faults.clear(),
    refusals: exchangeRefusals,
    settings,
    statistics,
    disconnect,
  }
}

module.exports = { createFace }
