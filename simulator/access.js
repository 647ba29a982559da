'use strict'

const { RESOURCES } = require('./oauth/scopes')
const { MAIL_SCOPE } = require('./oauth/google/scopes')

/** What a token must allow, by protocol: as a user, and as an app. */
const PERMISSIONS = {
  imap: { scope: 'IMAP.AccessAsUser.All', role: 'IMAP.AccessAsApp' },
  smtp: { scope: 'SMTP.Send', role: 'SMTP.SendAsApp' },
}

const GMAIL_OFF = 'Your account is not enabled for IMAP use.'
const NOT_CONNECTED = 'User is authenticated but not connected.'

/** A refused login. `challenge` is the JSON of XOAUTH2, `text` and `tagged` what IMAP says in the end. */
class AuthError extends Error {
  /** @param {string} reason for the log and for tests; clients never see it
   * @param {{ challenge?: object | null, text?: string, code?: string, tagged?: 'NO' | 'BAD', permission?: boolean }} [details] */
  constructor(reason, { challenge = null, text, code, tagged, permission = false } = {}) {
    super(reason)
    this.name = 'AuthError'
    this.challenge = challenge
    this.text = text
    this.code = code
    this.tagged = tagged
    /** Known, but not allowed: not a matter of credentials. */
    this.permission = permission
  }
}

/**
 * @typedef {{ mechanism: string, user: string | null, password?: string | null, token?: string | null }} Credentials
 * @typedef {object} Admitted
 * @property {string} user the mailbox that opens: the own one, or a shared one
 * @property {string} actor who signed in: a person, or an app
 * @property {number | null} expiresAt ms
 */

/**
 * Who may open which mailbox, for IMAP and SMTP alike.
 *
 * @param {{ directory: import('./directory/directory').Directory, oauth: import('./oauth/server').Context }} world
 * @param {'imap' | 'smtp'} protocol
 * @param {'microsoft' | 'google'} provider
 * @returns {(credentials: Credentials) => Promise<Admitted>}
 */
function createAccess({ directory, oauth }, protocol, provider) {
  return async ({ user, password, token }) => {
    const admitted = token
      ? await (provider === 'google' ? byGoogleToken : byMicrosoftToken)({ directory, oauth }, protocol, user, token)
      : byPassword(directory, provider, user, password)
    const account = directory.account(admitted.user)
    const switchedOff = protocol === 'imap' ? !account.imap : false
    if (!account.mailbox || switchedOff) {
      throw (provider === 'google' ? gmailOff : notConnected)(account.mailbox ? 'IMAP is switched off' : 'no mailbox')
    }
    return { ...admitted, user: account.user }
  }
}

function byPassword(directory, provider, user, password) {
  const account = directory.account(user)
  const wrong = account?.provider !== provider || account.password === null || account.password !== password
  if (wrong) throw new AuthError('wrong user or password')
  return { user: account.user, actor: account.user, expiresAt: null }
}

async function byMicrosoftToken({ directory, oauth }, protocol, user, token) {
  const challenge = { status: '401', schemes: 'bearer', scope: 'https://outlook.office.com/' }
  const refuse = (reason) => new AuthError(reason, { challenge })
  const claims = await oauth.keys.verify(token).catch((error) => {
    throw refuse(`token: ${error.message}`)
  })
  const { scope, role } = PERMISSIONS[protocol]
  if (!RESOURCES.outlook.uris.includes(claims.aud)) throw refuse(`token of another resource: ${claims.aud}`)
  const allowed = claims.idtyp === 'app' ? claims.roles?.includes(role) : claims.scp?.split(' ').includes(scope)
  if (!allowed) throw refuse(`token without ${claims.idtyp === 'app' ? role : scope}`)
  const account = directory.account(user ?? claims.upn)
  const expiresAt = claims.exp * 1000
  if (claims.idtyp === 'app') {
    const client = directory.clients.get(claims.appid)
    if (!account || !client?.mailboxAccess.includes(account.user))
      throw notConnected('the app has no right on this mailbox')
    return { user: account.user, actor: client.id, expiresAt }
  }
  const actor = directory.account(claims.upn)
  if (!actor) throw refuse('the account of this token is gone')
  const own = account?.user === actor.user
  if (!account || !(own || account.shared?.includes(actor.user))) throw notConnected('token of another user')
  return { user: account.user, actor: actor.user, expiresAt }
}

async function byGoogleToken({ directory, oauth }, _protocol, user, token) {
  const challenge = { status: '400', schemes: 'Bearer', scope: MAIL_SCOPE }
  const record = oauth.googleTokens.get(token)
  const account = directory.account(user ?? record?.user)
  const live = record && record.expiresAt > Date.now() && record.scopes.includes(MAIL_SCOPE)
  if (!live || !account || account.user !== record.user) throw new AuthError('token not valid here', { challenge })
  return { user: account.user, actor: account.user, expiresAt: record.expiresAt }
}

/** Exchange's catch-all for everything that is not about credentials. */
function notConnected(reason) {
  return new AuthError(reason, { text: NOT_CONNECTED, tagged: 'BAD', permission: true })
}

/** Gmail's words. */
function gmailOff(reason) {
  const text = `${GMAIL_OFF} Please visit your Gmail settings page and enable your account for IMAP access. (Failure)`
  return new AuthError(reason, { text, code: 'ALERT', permission: true })
}

module.exports = { createAccess, AuthError }
