'use strict'

// Entra's errors: the number decides `error`, HTTP status, `suberror` and text. Texts are shaped like the real ones, with the
// caller's values in the same places, because people and bad clients read them.

/** @typedef {{ error: string, status?: number, suberror?: string, claims?: boolean, text: string | ((p: any) => string) }} Row */

const MFA_WHY =
  'Due to a configuration change made by your administrator, or because you moved to a new location, you must'

const grant = (text, more = {}) => ({ error: 'invalid_grant', text, ...more })
const client = (text, more = {}) => ({ error: 'invalid_client', status: 401, text, ...more })
const interaction = (text, more = {}) => grant(text, { suberror: 'basic_action', ...more })

/** @type {Record<number, Row>} */
const TABLE = {
  // ── the user has to act
  50055: grant('The password is expired.', { suberror: 'user_password_expired' }),
  50058: { error: 'login_required', text: 'A silent sign-in request was sent but no user is signed in.' },
  50072: interaction(`${MFA_WHY} enroll in multi-factor authentication to access the resource.`),
  50074: interaction('Strong Authentication is required.'),
  50076: interaction(({ appId }) => `${MFA_WHY} use multi-factor authentication to access '${appId}'.`, {
    claims: true,
  }),
  50078: interaction(
    'Presented multi-factor authentication has expired due to policies configured by your administrator.',
  ),
  50079: interaction(`${MFA_WHY} enroll in multi-factor authentication to access the resource.`, { claims: true }),
  50089: grant('Authentication failed due to flow token expired.'),
  50126: grant('Error validating credentials due to invalid username or password.'),
  50132: grant('The session is not valid due to password expiration or recent password change.', {
    suberror: 'bad_token',
  }),
  50133: grant('The session is not valid due to password expiration or recent password change.', {
    suberror: 'bad_token',
  }),
  50144: grant("The user's Active Directory password has expired."),
  50173: grant(
    ({ issued, validFrom }) =>
      'The provided grant has expired due to it being revoked, a fresh auth token is needed. The user might have changed or reset ' +
      `their password. The grant was issued on '${issued}' and the TokensValidFrom date (before which tokens are not valid) for this ` +
      `user is '${validFrom}'.`,
    { suberror: 'bad_token' },
  ),
  54005: grant(
    'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
  ),
  501481: grant('The Code_Verifier does not match the code_challenge supplied in the authorization request.'),
  65001: grant(
    ({ clientId, clientName }) =>
      `The user or administrator has not consented to use the application with ID '${clientId}' named '${clientName}'. Send an ` +
      'interactive authorization request for this user and resource.',
    { suberror: 'consent_required' },
  ),
  65004: { error: 'access_denied', text: 'User declined to consent to access the app.' },
  70000: grant("The provided value for the input parameter 'code' or 'refresh_token' is not valid."),
  70008: grant(
    'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization ' +
      'request for this user and resource.',
  ),
  70043: grant('The refresh token has expired or is invalid due to sign-in frequency checks by conditional access.', {
    suberror: 'token_expired',
  }),
  700005: grant('Provided Authorization Code is intended to use against other tenant, thus rejected.'),
  700020: grant('The interaction requires user sign-in.'),
  700082: grant(
    ({ issued, days }) =>
      `The refresh token has expired due to inactivity. The token was issued on ${issued} and was inactive for ${days}.00:00:00.`,
  ),
  700084: grant(
    'The refresh token was issued to a single page app (SPA), and therefore has a fixed, limited lifetime.',
  ),
  // ── an administrator has to act
  50020: grant(
    ({ tenantName }) =>
      `User account '{EmailHidden}' does not exist in tenant '${tenantName}' and cannot access the application in that tenant. ` +
      'The account needs to be added as an external user in the tenant first.',
  ),
  50034: grant(({ tenantName }) => `The user account {EmailHidden} does not exist in the ${tenantName} directory.`),
  50057: grant('The user account is disabled.'),
  50105: {
    error: 'access_denied',
    text: 'Your administrator has configured the application to block users unless they are specifically granted access.',
  },
  50194: {
    error: 'invalid_request',
    text: ({ clientId, clientName }) =>
      `Application '${clientId}'(${clientName}) is not configured as a multi-tenant application. Usage of the /common endpoint is ` +
      "not supported for such apps created after '10/15/2018'. Use a tenant-specific endpoint or configure the application to be multi-tenant.",
  },
  53000: grant(
    'Device is not in required device state: compliant. Conditional Access policy requires a compliant device.',
    {
      suberror: 'message_only',
    },
  ),
  53001: grant('Device is not in required device state: domain_joined.', { suberror: 'message_only' }),
  53002: grant('The app used is not an approved app for Conditional Access.', { suberror: 'message_only' }),
  53003: grant(
    'Access has been blocked by Conditional Access policies. The access policy does not allow token issuance.',
    {
      suberror: 'message_only',
      claims: true,
    },
  ),
  530032: grant('Tenant security policy does not honor this request.'),
  530035: grant('Access has been blocked by security defaults.'),
  53011: grant('User blocked due to risk on home tenant.'),
  7000112: { error: 'unauthorized_client', text: ({ clientId }) => `Application '${clientId}' is disabled.` },
  90094: {
    error: 'consent_required',
    text: ({ clientName }) =>
      `The grant requires admin permission: only an administrator can consent to '${clientName}'.`,
  },
  90095: { error: 'consent_required', text: 'Admin consent is required: an admin consent request was sent.' },
  500011: {
    error: 'invalid_resource',
    text: ({ value, tenantName }) =>
      `The resource principal named ${value} was not found in the tenant named ${tenantName}. This can happen if the application ` +
      'has not been installed by the administrator of the tenant or consented to by any user in the tenant.',
  },
  650052: {
    error: 'invalid_client',
    text: 'The app is trying to access a service that your organization lacks a service principal for.',
  },
  650056: { error: 'invalid_client', text: 'Misconfigured application.' },
  // ── the app's settings
  50011: {
    error: 'invalid_client',
    text: ({ redirectUri, clientId }) =>
      `The redirect URI '${redirectUri}' specified in the request does not match the redirect URIs configured for the application ` +
      `'${clientId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.`,
  },
  50012: client('Authentication failed.'),
  50196: {
    error: 'invalid_grant',
    text: 'The server terminated an operation because it encountered a client request loop.',
  },
  28000: {
    error: 'invalid_request',
    text: ({ scope }) =>
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
  },
  28002: {
    error: 'invalid_request',
    text: 'Provided value for the input parameter scope is not valid when requesting an access token.',
  },
  28003: {
    error: 'invalid_request',
    text:
      'Provided value for the input parameter scope cannot be empty when requesting an access token using the provided ' +
      'authorization code. Please specify a valid scope.',
  },
  70011: {
    error: 'invalid_scope',
    text: ({ scope, value }) =>
      `The provided request must include a 'scope' input parameter. The provided value for the input parameter 'scope' is not ` +
      `valid. The scope ${value ?? scope} is not valid.`,
  },
  1002012: {
    error: 'invalid_scope',
    text: ({ scope }) =>
      `The provided value for scope ${scope} is not valid. Client credential flows must have a scope value with /.default ` +
      'suffixed to the resource identifier (application ID URI).',
  },
  500112: grant(
    ({ redirectUri, expected }) =>
      `The reply address '${redirectUri}' does not match the reply address '${expected}' provided when requesting Authorization code.`,
  ),
  650057: {
    error: 'invalid_resource',
    text: 'Invalid resource. The client has requested access to a resource which is not listed.',
  },
  70001: {
    error: 'unauthorized_client',
    text: ({ clientId }) => `Application with identifier '${clientId}' was not found in the directory.`,
  },
  700011: {
    error: 'unauthorized_client',
    text: ({ clientId }) => `Application with identifier ${clientId} was not found in the directory.`,
  },
  700016: {
    error: 'unauthorized_client',
    text: ({ clientId, tenantName }) =>
      `Application with identifier '${clientId}' was not found in the directory '${tenantName}'. This can happen if the application ` +
      'has not been installed by the administrator of the tenant or consented to by any user in the tenant. You may have sent ' +
      'your authentication request to the wrong tenant.',
  },
  700021: client("Client assertion application identifier doesn't match 'client_id' parameter."),
  700022: {
    error: 'invalid_request',
    text: ({ scope }) =>
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
  },
  700023: client('Client assertion audience claim does not match Realm issuer.'),
  700024: client('Client assertion is not within its valid time range.'),
  700025: client("Client is public so neither 'client_assertion' nor 'client_secret' should be presented."),
  700027: client(
    ({ detail }) =>
      `The certificate with identifier used to sign the client assertion is not registered on application. ${detail ?? ''}`,
  ),
  7000215: client(
    ({ clientId }) =>
      'Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client ' +
      `secret ID, for a secret added to app '${clientId}'.`,
  ),
  7000218: client("The request body must contain the following parameter: 'client_assertion' or 'client_secret'."),
  7000222: client(
    ({ clientId }) =>
      `The provided client secret keys for app '${clientId}' are expired. Create new keys for your app.`,
  ),
  70003: {
    error: 'unsupported_grant_type',
    text: ({ value }) => `The app requested an unsupported grant type '${value}'.`,
  },
  70005: {
    error: 'unsupported_response_type',
    text: ({ value }) => `The app requested an unsupported response type '${value}'.`,
  },
  90002: {
    error: 'invalid_request',
    text: ({ tenant }) =>
      `Tenant '${tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the correct cloud. ` +
      'Check with your subscription administrator, this may happen if there are no active subscriptions for the tenant.',
  },
  90130: {
    error: 'invalid_request',
    text: ({ clientId }) => `Application '${clientId}' is not supported over the /common or /consumers endpoints.`,
  },
  900144: {
    error: 'invalid_request',
    text: ({ name }) => `The request body must contain the following parameter: '${name}'.`,
  },
  900561: {
    error: 'invalid_request',
    text: 'The endpoint only accepts POST, OPTIONS requests. Received a GET request.',
  },
  9001023: {
    error: 'invalid_request',
    text: "The grant type 'client_credentials' is not supported over the /common or /consumers endpoints. Please use a tenant-specific endpoint.",
  },
  9002332: {
    error: 'invalid_request',
    text: ({ clientId }) =>
      `Application '${clientId}' is configured for use by Azure Active Directory users only. Please do not use the /consumers endpoint.`,
  },
  // ── later
  50033: { error: 'temporarily_unavailable', status: 503, text: 'A transient error has occurred. Please try again.' },
  50087: {
    error: 'temporarily_unavailable',
    status: 503,
    text: 'A transient error has occurred during strong authentication.',
  },
  50088: { error: 'temporarily_unavailable', status: 503, text: 'Limit on telecom MFA calls reached.' },
  90006: { error: 'temporarily_unavailable', status: 503, text: 'External server retryable error.' },
  90012: { error: 'temporarily_unavailable', status: 503, text: 'RequestTimeout - The request has timed out.' },
  90024: {
    error: 'temporarily_unavailable',
    status: 503,
    text: 'RequestBudgetExceededError - A transient error has occurred.',
  },
  90033: { error: 'temporarily_unavailable', status: 503, text: 'A transient error has occurred. Please try again.' },
  90055: { error: 'temporarily_unavailable', status: 429, text: 'The server is busy: tenant throttling.' },
  90090: { error: 'server_error', status: 500, text: 'GraphRetryableError - The service is temporarily unavailable.' },
  70012: {
    error: 'server_error',
    status: 500,
    text: 'MsaServerError - A server error occurred while authenticating an MSA user.',
  },
  70016: {
    error: 'authorization_pending',
    text: 'OAuth 2.0 device flow error. Authorization is pending. Continue polling.',
  },
  70018: { error: 'bad_verification_code', text: 'Invalid verification code.' },
  70019: { error: 'expired_token', text: 'The verification code has expired.' },
  70020: {
    error: 'expired_token',
    text: "The provided value for the input parameter 'device_code' is not valid. This device code has expired.",
  },
}

/** An unknown number still gives a body of the right shape, so that clients' safe defaults can be tested. */
const UNKNOWN = grant('The simulator has no text for this error.')

class AadstsError extends Error {
  /**
   * @param {number} code
   * @param {object} [values] for the text; `error`, `suberror`, `status`, `claims`, `headers` replace the table's
   */
  constructor(code, values = {}) {
    const row = TABLE[code] ?? UNKNOWN
    super(`AADSTS${code}: ${typeof row.text === 'function' ? row.text(values) : row.text}`)
    this.name = 'AadstsError'
    this.code = code
    this.error = values.error ?? row.error
    this.status = values.status ?? row.status ?? 400
    this.suberror = values.suberror ?? row.suberror
    this.claims = values.claims ?? (row.claims ? claimsChallenge() : undefined)
    this.headers = values.headers ?? {}
  }
}

/** What Conditional Access wants next time, as JSON in a string. */
function claimsChallenge() {
  return JSON.stringify({
    access_token: { capolids: { essential: true, values: ['c0de3333-7e57-4ca0-8050-00000c0de003'] } },
  })
}

module.exports = { AadstsError, AADSTS_CODES: Object.keys(TABLE).map(Number) }
