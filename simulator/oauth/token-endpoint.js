'use strict'

const { AadstsError } = require('./aadsts')
const { authenticateClient, basicUser } = require('./client-authentication')
const { redeemCode } = require('./grants/authorization-code')
const { redeemClientCredentials } = require('./grants/client-credentials')
const { redeemDeviceCode, startDeviceCode } = require('./grants/device-code')
const { redeemRefreshToken } = require('./grants/refresh-token')
const { sendJson } = require('./respond')
const { findClient, resolveTenancy } = require('./tenancy')

const DEVICE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'

/** `publicAllowed`: an app with "Allow public client flows" needs no secret here. */
const GRANTS = new Map([
  ['authorization_code', { redeem: redeemCode, publicAllowed: false }],
  ['refresh_token', { redeem: redeemRefreshToken, publicAllowed: true }],
  ['client_credentials', { redeem: redeemClientCredentials, publicAllowed: false }],
  [DEVICE_GRANT, { redeem: redeemDeviceCode, publicAllowed: true }],
  ['device_code', { redeem: redeemDeviceCode, publicAllowed: true }],
])

/** `/{tenant}/oauth2/v2.0/token` */
async function token(context, incoming, response) {
  const { form } = incoming
  const tenancy = resolveTenancy(context.directory, incoming.parameters.tenant)
  const grantType = form.get('grant_type')
  if (!grantType) throw new AadstsError(900144, { name: 'grant_type' })
  const grant = GRANTS.get(grantType)
  if (!grant) throw new AadstsError(70003, { value: grantType })
  const client = findClient(context.directory, form.get('client_id') ?? basicUser(incoming.headers), tenancy)
  await authenticateClient(context, client, incoming, grant)
  sendJson(response, 200, await grant.redeem(context, { form, client, tenancy }))
}

/** `/{tenant}/oauth2/v2.0/devicecode` */
function deviceCode(context, incoming, response) {
  const { form } = incoming
  const tenancy = resolveTenancy(context.directory, incoming.parameters.tenant)
  const client = findClient(context.directory, form.get('client_id'), tenancy)
  if (!client.allowPublicClient && client.secrets.length === 0) throw new AadstsError(7000218)
  sendJson(response, 200, startDeviceCode(context, { form, client }))
}

module.exports = { token, deviceCode }
