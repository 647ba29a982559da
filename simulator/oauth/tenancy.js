'use strict'

const { AadstsError } = require('./aadsts')
const { CONSUMERS_TENANT } = require('../directory/defaults')

const PATHS = ['common', 'organizations', 'consumers']

/**
 * The first path segment of every Entra URL.
 *
 * @typedef {{ path: string, tenant: any | null }} Tenancy `tenant` is null for `common`, `organizations` and `consumers`
 */

/**
 * @param {import('../directory/directory').Directory} directory
 * @param {string} path
 * @returns {Tenancy}
 */
function resolveTenancy(directory, path) {
  const name = path.toLowerCase()
  if (PATHS.includes(name)) return { path: name, tenant: null }
  const tenant = directory.tenant(name)
  if (!tenant) throw new AadstsError(90002, { tenant: path })
  return tenant.id === CONSUMERS_TENANT ? { path: 'consumers', tenant: null } : { path: tenant.id, tenant }
}

/** The app named by a request, if it exists for this tenancy. */
function findClient(directory, clientId, tenancy) {
  if (!clientId) throw new AadstsError(900144, { name: 'client_id' })
  const client = directory.clients.get(clientId)
  const single = client && !PATHS.includes(client.audience)
  const elsewhere = single && tenancy.tenant && tenancy.tenant.id !== directory.tenant(client.audience)?.id
  if (!client || client.provider !== 'microsoft' || elsewhere) {
    throw new AadstsError(700016, { clientId, tenantName: tenancy.tenant?.name ?? 'Directory' })
  }
  const values = { clientId, clientName: client.name }
  if (single && tenancy.path !== 'consumers' && !tenancy.tenant) throw new AadstsError(50194, values)
  if (tenancy.path === 'consumers' && (single || client.audience === 'organizations'))
    throw new AadstsError(9002332, values)
  if (client.audience === 'consumers' && tenancy.path !== 'consumers' && tenancy.path !== 'common') {
    throw new AadstsError(90130, values)
  }
  if (client.aadsts) throw new AadstsError(client.aadsts, values)
  return client
}

/** Whether an account may sign in through this path to this app. */
function checkResident(directory, account, tenancy, client) {
  const personal = account.tenantId === CONSUMERS_TENANT
  const fits =
    tenancy.tenant !== null
      ? tenancy.tenant.id === account.tenantId
      : tenancy.path === 'common' || (tenancy.path === 'consumers') === personal
  const audience = client.audience
  const admitted =
    audience === 'common' ||
    (audience === 'organizations' && !personal) ||
    (audience === 'consumers' && personal) ||
    directory.tenant(audience)?.id === account.tenantId
  if (!fits || !admitted) throw new AadstsError(50020, { tenantName: tenancy.tenant?.name ?? tenancy.path })
}

module.exports = { resolveTenancy, findClient, checkResident }
