'use strict'

const { createHash, randomBytes } = require('node:crypto')
const { RESOURCES } = require('./scopes')

/**
 * Makes the JWTs. An access token is what a real one is to its bearer, an opaque string of some 2 KB; to a mail server it is a JWT
 * that it can check by itself.
 */
class TokenMint {
  /**
   * @param {{ keys: import('./keys').KeyRing, origin: () => string, tokenBytes: number }} parts
   */
  constructor({ keys, origin, tokenBytes }) {
    this.keys = keys
    this.origin = origin
    this.tokenBytes = tokenBytes
  }

  issuer(tenantId) {
    return `${this.origin()}/${tenantId}/v2.0`
  }

  /**
   * A user's token for one resource.
   *
   * @param {{ account: any, client: any, resource: string, scopes: string[], lifetime: number, audience?: string }} grant
   */
  userToken({ account, client, resource, scopes, lifetime, audience }) {
    return this.#accessToken(lifetime, {
      ...this.#common({ client, tenantId: account.tenantId, audience: audience ?? RESOURCES[resource].uris[0] }),
      idtyp: 'user',
      name: account.name,
      oid: account.oid,
      sub: pairwise(account.oid, RESOURCES[resource].appId),
      preferred_username: account.user,
      unique_name: account.user,
      upn: account.user,
      puid: `1003${account.oid.replaceAll('-', '').slice(0, 12).toUpperCase()}`,
      amr: account.mfa ? ['pwd', 'mfa'] : ['pwd'],
      scp: scopes.join(' '),
    })
  }

  /** An app-only token: roles in place of scopes, and nobody behind it. */
  appToken({ client, tenantId, resource, lifetime }) {
    return this.#accessToken(lifetime, {
      ...this.#common({ client, tenantId, audience: RESOURCES[resource].uris[1] ?? RESOURCES[resource].uris[0] }),
      idtyp: 'app',
      oid: client.servicePrincipalId ?? client.id,
      sub: client.servicePrincipalId ?? client.id,
      roles: client.roles,
    })
  }

  /** @param {{ account: any, client: any, nonce?: string, lifetime: number }} grant */
  idToken({ account, client, nonce, lifetime }) {
    const now = seconds()
    return this.keys.sign({
      aud: client.id,
      iss: this.issuer(account.tenantId),
      iat: now,
      nbf: now,
      exp: now + lifetime,
      email: account.user,
      name: account.name,
      ...(nonce !== undefined && { nonce }),
      oid: account.oid,
      preferred_username: account.user,
      rh: filler(40),
      sub: pairwise(account.oid, client.id),
      tid: account.tenantId,
      uti: filler(16),
      ver: '2.0',
    })
  }

  #common({ client, tenantId, audience }) {
    return {
      aud: audience,
      iss: this.issuer(tenantId),
      acr: '1',
      aio: filler(96),
      app_displayname: client.name,
      appid: client.id,
      appidacr: '1',
      ipaddr: '127.0.0.1',
      rh: filler(48),
      sid: filler(27),
      tid: tenantId,
      uti: filler(16),
      ver: '1.0',
      wids: ['b79fbf4d-3ef9-4689-8143-76b194e85509'],
    }
  }

  #accessToken(lifetime, claims) {
    const now = seconds()
    const body = { ...claims, iat: now, nbf: now, exp: now + lifetime }
    // Base64 makes 4 of 3; header and signature take some 450 bytes.
    const missing = Math.floor((this.tokenBytes - 450) * 0.75) - JSON.stringify(body).length - 12
    return this.keys.sign(missing > 0 ? { ...body, xms_pad: filler(missing) } : body)
  }
}

/** Entra's `sub` differs from app to app for the same person. */
function pairwise(oid, audience) {
  return createHash('sha256').update(`${oid} ${audience}`).digest('base64url')
}

function filler(length) {
  return randomBytes(length).toString('base64url').slice(0, length)
}

/** Codes and refresh tokens look like `0.AXoA…`, long, with dots and dashes in them. */
function opaque(prefix, length) {
  return `${prefix}.A${filler(length - prefix.length - 2)}`
}

function seconds() {
  return Math.floor(Date.now() / 1000)
}

module.exports = { TokenMint, opaque, seconds, filler }
