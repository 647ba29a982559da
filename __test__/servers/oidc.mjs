// A certified OpenID provider (npm `oidc-provider`) on loopback: OAuth as others wrote it, beside the simulator's.

import { createPublicKey, generateKeyPairSync, randomBytes, randomUUID } from 'node:crypto'
import { createServer, request } from 'node:https'

import { Provider } from 'oidc-provider'

const RESOURCE = 'https://mail.contoso.example'
const MAX_REDIRECTS = 12

/** The scope of the mail resource: the access token is for it, not for userinfo. */
export const MAIL_SCOPE = 'mail'

/**
 * @typedef {object} OidcOptions
 * @property {{ key: string, cert: string }} tls
 * @property {string} ca What signed the certificate: the sign-in trusts nothing else.
 * @property {string} user The address of the one account.
 */

/** @param {OidcOptions} options */
export async function startOidcProvider({ tls, ca, user }) {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const kid = randomUUID()
  const client = {
    id: 'mail-app',
    secret: randomBytes(24).toString('base64url'),
    redirectUri: 'https://app.contoso.example/callback',
  }
  const account = { sub: randomUUID(), user }

  const server = createServer(tls)
  await new Promise((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve))
  const issuer = `https://localhost:${server.address().port}`
  const jwk = { ...privateKey.export({ format: 'jwk' }), kid, alg: 'RS256', use: 'sig' }
  const provider = new Provider(issuer, configuration(client, account, jwk))
  const serve = provider.callback()
  server.on('request', (req, res) => {
    if (!req.url.startsWith('/interaction/')) return serve(req, res)
    interact(provider, account, req, res).catch((error) => res.writeHead(500).end(String(error)))
  })

  return {
    issuer,
    kid,
    publicKeyPem: createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }),
    client,
    account,
    signIn: (url) => signIn(url, client.redirectUri, ca),
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function configuration(client, account, jwk) {
  return {
    clients: [
      {
        client_id: client.id,
        client_secret: client.secret,
        redirect_uris: [client.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
      },
    ],
    jwks: { keys: [jwk] },
    cookies: { keys: [randomBytes(16).toString('hex')] },
    claims: { openid: ['sub'], email: ['email', 'email_verified'], profile: ['name', 'preferred_username'] },
    // Else the id_token of a code flow holds `sub` only, and the rest is for userinfo.
    conformIdTokenClaims: false,
    findAccount: (_ctx, sub) => (sub === account.sub ? { accountId: sub, claims: () => claimsOf(account) } : undefined),
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    features: {
      devInteractions: { enabled: false },
      revocation: { enabled: true, allowedPolicy: (_ctx, by, token) => token.clientId === by.clientId },
      userinfo: { enabled: false },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => RESOURCE,
        useGrantedResource: () => true,
        getResourceServerInfo: () => ({
          scope: MAIL_SCOPE,
          audience: RESOURCE,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256', kid: jwk.kid } },
        }),
      },
    },
    // Dovecot knows the mailbox by this claim, and refuses the `at+jwt` of RFC 9068.
    extraTokenClaims: () => ({ preferred_username: account.user }),
    formats: {
      customizers: {
        jwt: (_ctx, _token, jwt) => {
          jwt.header = { ...jwt.header, typ: 'JWT' }
        },
      },
    },
    pkce: { required: () => true },
    // The provider takes `offline_access` away unless prompt=consent asks for it; Entra, which is asked without, does not.
    issueRefreshToken: (_ctx, { grantTypes }) => grantTypes.includes('refresh_token'),
    expiresWithSession: () => false,
    rotateRefreshToken: true,
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 60,
      Grant: 86400,
      IdToken: 3600,
      Interaction: 600,
      RefreshToken: 86400,
      Session: 600,
    },
  }
}

function claimsOf({ sub, user }) {
  return { sub, email: user, email_verified: true, name: 'Ada Example', preferred_username: user }
}

/** Logs the one account in and grants all that was asked, where a person would see pages. */
async function interact(provider, account, req, res) {
  const { prompt, params } = await provider.interactionDetails(req, res)
  if (prompt.name === 'login') {
    return provider.interactionFinished(req, res, { login: { accountId: account.sub } })
  }
  const grant = new provider.Grant({ accountId: account.sub, clientId: params.client_id })
  grant.addOIDCScope(params.scope)
  grant.addResourceScope(RESOURCE, MAIL_SCOPE)
  const consent = { grantId: await grant.save() }
  return provider.interactionFinished(req, res, { consent }, { mergeWithLastSubmission: true })
}

/** As a browser: follows redirects with cookies until one leads to the app; resolves to that URL. */
async function signIn(url, redirectUri, ca) {
  const cookies = new Map()
  for (let hop = 0; hop < MAX_REDIRECTS; hop++) {
    if (url.startsWith(`${redirectUri}?`)) return url
    const { status, headers, body } = await get(url, cookies, ca)
    if (headers.location === undefined) throw new Error(`sign-in ended with ${status} at ${url}: ${body.slice(0, 500)}`)
    for (const line of headers['set-cookie'] ?? []) keep(cookies, line)
    url = new URL(headers.location, url).href
  }
  throw new Error(`sign-in did not end after ${MAX_REDIRECTS} redirects, last at ${url}`)
}

function get(url, cookies, ca) {
  const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
  return new Promise((resolve, reject) => {
    const sent = request(url, { ca, agent: false, headers: { cookie, accept: 'text/html' } }, async (response) => {
      try {
        let body = ''
        for await (const chunk of response.setEncoding('utf8')) body += chunk
        resolve({ status: response.statusCode, headers: response.headers, body })
      } catch (error) {
        reject(error)
      }
    })
    sent.once('error', reject).end()
  })
}

/** One host and one sign-in at a time: names are enough, an emptied cookie is a removed one. */
function keep(cookies, line) {
  const [, name, value] = /^([^=]+)=([^;]*)/.exec(line)
  if (value === '') cookies.delete(name)
  else cookies.set(name, value)
}
