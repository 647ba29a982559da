'use strict'

const { createHash } = require('node:crypto')
const { AadstsError } = require('../aadsts')
const { CODE_LIFETIME_S } = require('../grants-store')
const { issueUserTokens } = require('../issue')
const { isRegistered } = require('../redirect-uri')
const { parseScopes } = require('../scopes')

/** RFC 6749 §4.1.3 with PKCE (RFC 7636 §4.6). */
async function redeemCode(context, { form, client, tenancy }) {
  const code = required(form, 'code')
  const redirectUri = required(form, 'redirect_uri')
  const record = context.grants.codes.get(code)
  if (!record || record.provider !== 'microsoft' || record.clientId !== client.id) throw new AadstsError(70000)
  if (record.redeemed) throw new AadstsError(54005)
  if (Date.now() - record.issuedAt > CODE_LIFETIME_S * 1000) throw new AadstsError(70008)
  if (tenancy.tenant && tenancy.tenant.id !== context.directory.account(record.user)?.tenantId)
    throw new AadstsError(700005)
  if (!isRegistered(client, redirectUri)) throw new AadstsError(50011, { redirectUri, clientId: client.id })
  if (redirectUri !== record.redirectUri) throw new AadstsError(500112, { redirectUri, expected: record.redirectUri })
  if (!provesPossession(record.pkce, form.get('code_verifier'))) throw new AadstsError(501481)
  const asked = parseScopes(form.get('scope') ?? undefined)
  // A scope error leaves the code usable; two requests at once do not: the mark is set before the first await.
  record.redeemed = true
  try {
    return await issueUserTokens(context, { grant: record, client, asked, nonce: record.nonce })
  } catch (error) {
    record.redeemed = false
    throw error
  }
}

/** A verifier without a challenge is refused, too: somebody stripped the challenge from the request (RFC 9700 §4.8.2). */
function provesPossession(pkce, verifier) {
  if (!pkce) return !verifier
  if (!verifier) return false
  const value = pkce.method === 'S256' ? createHash('sha256').update(verifier).digest('base64url') : verifier
  return value === pkce.challenge
}

function required(form, name) {
  const value = form.get(name)
  if (!value) throw new AadstsError(900144, { name })
  return value
}

module.exports = { redeemCode, provesPossession, required }
