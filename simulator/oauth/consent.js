'use strict'

const { AadstsError } = require('./aadsts')
const { consentKeys, describe } = require('./scopes')

/**
 * Everything asked at once is consented at once, for all resources. Where only admins may consent, `prompt=consent` sends a user to the
 * approval page even after an admin has consented: the loop of which Microsoft's users complain.
 *
 * @returns {import('./interaction').Need}
 */
function consentNeeded(context, flow, scopes) {
  const { account, client, prompt } = flow
  const tenantWide = context.grants.consented(account.tenantId, client.id)
  const given = new Set([...tenantWide, ...context.grants.consented(account.user, client.id)])
  const missing = consentKeys(scopes).some((key) => !given.has(key))
  // A first sign-in that asks for OpenID scopes alone is consented to, as well.
  const first =
    given.size === 0 && scopes.resources.size === 0 && !context.grants.consents.has(`${account.user} ${client.id}`)
  if (!missing && !first && prompt !== 'consent') return { kind: 'none' }
  const adminOnly = context.directory.tenant(account.tenantId)?.userConsent === 'admin-only'
  if (adminOnly && !account.admin)
    return { kind: 'admin', error: new AadstsError(90094, { error: 'access_denied', clientName: client.name }) }
  return { kind: 'ask', words: describe(scopes) }
}

module.exports = { consentNeeded }
