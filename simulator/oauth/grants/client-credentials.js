'use strict'

const { AadstsError } = require('../aadsts')
const { parseScopes } = require('../scopes')
const { required } = require('./authorization-code')

/** RFC 6749 §4.4: app-only access. The scope is a resource with `/.default`; what it holds is the app's roles. */
async function redeemClientCredentials(context, { form, client, tenancy }) {
  if (tenancy.path === 'common' || tenancy.path === 'consumers') throw new AadstsError(9001023)
  const scope = required(form, 'scope')
  const set = parseScopes(scope)
  const [unknown] = set.unknown
  if (unknown?.kind === 'resource') throw new AadstsError(500011, { value: unknown.value, tenantName: 'Directory' })
  const [[resource, names] = ['', []]] = set.resources
  const wellFormed = !unknown && set.oidc.length === 0 && set.resources.size === 1 && names.join() === '.default'
  if (!wellFormed) throw new AadstsError(1002012, { scope })
  const lifetime = context.settings.tokenLifetimeSeconds
  const tenantId = tenancy.tenant?.id ?? context.directory.tenants[0].id
  return {
    token_type: 'Bearer',
    expires_in: lifetime,
    ext_expires_in: lifetime,
    access_token: await context.mint.appToken({ client, tenantId, resource, lifetime }),
  }
}

module.exports = { redeemClientCredentials }
