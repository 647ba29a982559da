'use strict'

const { randomUUID } = require('node:crypto')
const { RESOURCES } = require('./scopes')
const { sendJson } = require('./respond')

/** Given without `$select`; everything else of a user has to be asked for by name. */
const DEFAULT_PROPERTIES = [
  'businessPhones',
  'displayName',
  'givenName',
  'jobTitle',
  'mail',
  'mobilePhone',
  'officeLocation',
  'preferredLanguage',
  'surname',
  'userPrincipalName',
  'id',
]

/** Graph's `/me` (`/v1.0/me`): who signed in, for a token of Graph with `User.Read`. */
async function me(context, incoming, response) {
  const bearer = /^Bearer (.+)$/i.exec(incoming.headers.authorization ?? '')?.[1]
  if (!bearer) return fail(response, 401, 'InvalidAuthenticationToken', 'Access token is empty.')
  let claims
  try {
    claims = await context.keys.verify(bearer)
  } catch {
    return fail(
      response,
      401,
      'InvalidAuthenticationToken',
      'Lifetime validation failed, the token is expired or not valid.',
    )
  }
  if (!RESOURCES.graph.uris.includes(claims.aud)) {
    return fail(response, 401, 'InvalidAuthenticationToken', 'Access token validation failure. Invalid audience.')
  }
  if (
    !String(claims.scp ?? '')
      .split(' ')
      .includes('User.Read')
  ) {
    return fail(response, 403, 'Authorization_RequestDenied', 'Insufficient privileges to complete the operation.')
  }
  const account = context.directory.account(claims.upn)
  if (!account) return fail(response, 404, 'Request_ResourceNotFound', 'Resource does not exist.')
  const all = properties(account)
  const names =
    incoming.query
      .get('$select')
      ?.split(',')
      .map((name) => name.trim()) ?? DEFAULT_PROPERTIES
  const chosen = Object.fromEntries(names.filter((name) => name in all).map((name) => [name, all[name]]))
  sendJson(response, 200, { '@odata.context': `${context.origin()}/v1.0/$metadata#users/$entity`, ...chosen })
}

function properties(account) {
  const [givenName, ...rest] = account.name.split(' ')
  return {
    businessPhones: [],
    displayName: account.name,
    givenName,
    jobTitle: null,
    mail: account.mailbox ? account.user : null,
    mobilePhone: null,
    officeLocation: null,
    preferredLanguage: 'en-US',
    surname: rest.join(' ') || null,
    userPrincipalName: account.user,
    id: account.oid,
    otherMails: [],
    proxyAddresses: account.mailbox ? [`SMTP:${account.user}`, ...account.aliases.map((alias) => `smtp:${alias}`)] : [],
  }
}

function fail(response, status, code, message) {
  const id = randomUUID()
  const date = new Date().toISOString().slice(0, 19)
  sendJson(
    response,
    status,
    { error: { code, message, innerError: { date, 'request-id': id, 'client-request-id': id } } },
    status === 401 ? { 'www-authenticate': 'Bearer error="invalid_token"' } : {},
  )
}

module.exports = { me }
