'use strict'

const { CONSUMERS_TENANT } = require('../directory/defaults')
const { sendJson } = require('./respond')
const { resolveTenancy } = require('./tenancy')

/** `/{tenant}/v2.0/.well-known/openid-configuration`. Under `common` the issuer is a template, as at Microsoft. */
function metadata(context, incoming, response) {
  const { path, tenant } = resolveTenancy(context.directory, incoming.parameters.tenant)
  const base = `${context.origin()}/${tenant?.id ?? path}`
  const issuerTenant = tenant?.id ?? (path === 'consumers' ? CONSUMERS_TENANT : '{tenantid}')
  sendJson(response, 200, {
    token_endpoint: `${base}/oauth2/v2.0/token`,
    token_endpoint_auth_methods_supported: ['client_secret_post', 'private_key_jwt', 'client_secret_basic'],
    jwks_uri: `${base}/discovery/v2.0/keys`,
    response_modes_supported: ['query', 'fragment', 'form_post'],
    subject_types_supported: ['pairwise'],
    id_token_signing_alg_values_supported: ['RS256'],
    response_types_supported: ['code'],
    scopes_supported: ['openid', 'profile', 'email', 'offline_access'],
    issuer: `${context.origin()}/${issuerTenant}/v2.0`,
    request_uri_parameter_supported: false,
    userinfo_endpoint: `${context.origin()}/oidc/userinfo`,
    authorization_endpoint: `${base}/oauth2/v2.0/authorize`,
    device_authorization_endpoint: `${base}/oauth2/v2.0/devicecode`,
    http_logout_supported: false,
    claims_supported: ['sub', 'iss', 'aud', 'exp', 'iat', 'nonce', 'preferred_username', 'name', 'tid', 'oid', 'email'],
  })
}

/** `/{tenant}/discovery/v2.0/keys` */
function jwks(context, incoming, response) {
  resolveTenancy(context.directory, incoming.parameters.tenant)
  sendJson(response, 200, context.keys.jwks())
}

module.exports = { metadata, jwks }
