'use strict'

const { AadstsError } = require('../aadsts')
const { issueUserTokens } = require('../issue')
const { parseScopes } = require('../scopes')
const { required } = require('./authorization-code')

const DAY_MS = 86_400_000

/**
 * RFC 6749 §6. One refresh token serves every resource that was consented, and is answered with a new one. What becomes of the old one
 * is `rotation`: Microsoft lets it live.
 */
async function redeemRefreshToken(context, { form, client, tenancy }) {
  const record = context.grants.refreshTokens.get(required(form, 'refresh_token'))
  if (!record || record.provider !== 'microsoft' || record.clientId !== client.id) throw new AadstsError(70000)
  checkAlive(context, record)
  const account = context.directory.account(record.user)
  if (tenancy.tenant && account && tenancy.tenant.id !== account.tenantId) {
    throw new AadstsError(50020, { tenantName: tenancy.tenant.name })
  }
  const asked = parseScopes(form.get('scope') ?? undefined)
  const { family, resource: before } = record
  // Marked before the first await: of two that race with one token, only one may win. An error gives it back.
  if (context.settings.rotation !== 'microsoft') record.state = 'rotated'
  try {
    return await issueUserTokens(context, { grant: record, client, asked, family, before })
  } catch (error) {
    if (record.state === 'rotated') record.state = 'live'
    throw error
  }
}

function checkAlive(context, record) {
  if (record.state === 'revoked') {
    throw new AadstsError(50173, { issued: iso(record.issuedAt), validFrom: iso(record.revokedAt) })
  }
  if (record.state === 'rotated') {
    if (context.settings.rotation === 'revoke-family') context.grants.revoke(({ family }) => family === record.family)
    throw new AadstsError(70000, { suberror: 'bad_token' })
  }
  const age = Date.now() - record.issuedAt
  if (age > record.lifetime * 1000) {
    throw new AadstsError(700082, { issued: iso(record.issuedAt), days: Math.floor(age / DAY_MS) })
  }
}

function iso(ms) {
  return new Date(ms).toISOString()
}

module.exports = { redeemRefreshToken }
