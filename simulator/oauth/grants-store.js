'use strict'

const { opaque } = require('./tokens')

const CODE_LIFETIME_S = 600
const REFRESH_LIFETIME_S = 90 * 86_400

/**
 * What was handed out and must be recognised again: codes, refresh tokens, device codes, consents. All in memory; nothing that was
 * not put in here is ever accepted.
 *
 * @typedef {object} Grant what a code or a refresh token stands for
 * @property {string} user
 * @property {string} clientId
 * @property {string} provider
 * @property {import('./scopes').ScopeSet | null} scopes as authorized (Microsoft)
 * @property {string[]} [googleScopes]
 * @property {boolean} offline whether a refresh token belongs to it
 * @property {boolean} mfa the sign-in behind it had a second factor
 * @property {string} [redirectUri]
 * @property {{ challenge: string, method: string } | null} [pkce]
 * @property {string} [nonce]
 *
 * @typedef {Grant & { token: string, family: string, issuedAt: number, usedAt: number, lifetime: number, state: 'live' | 'rotated' | 'revoked',
 *   revokedAt: number | null, resource?: string }} RefreshRecord
 */
class GrantStore {
  constructor() {
    /** @type {Map<string, Grant & { issuedAt: number, redeemed: boolean }>} */
    this.codes = new Map()
    /** @type {Map<string, RefreshRecord>} */
    this.refreshTokens = new Map()
    /** @type {Map<string, any>} */
    this.deviceCodes = new Map()
    /** @type {Map<string, Set<string>>} */
    this.consents = new Map()
  }

  /** @param {Grant} grant */
  issueCode(grant) {
    const code = opaque('1', 640)
    this.codes.set(code, { ...grant, issuedAt: Date.now(), redeemed: false })
    return code
  }

  /** @param {Grant} grant @param {{ family?: string, lifetime?: number, resource?: string }} [options] */
  issueRefreshToken(grant, { family, resource, lifetime = REFRESH_LIFETIME_S } = {}) {
    const token = grant.provider === 'google' ? `1//0${opaque('g', 98)}` : opaque('1', 1100)
    const now = Date.now()
    /** @type {RefreshRecord} */
    const record = {
      ...heritage(grant),
      token,
      family: family ?? token,
      resource,
      issuedAt: now,
      usedAt: now,
      lifetime,
      state: 'live',
      revokedAt: null,
    }
    this.refreshTokens.set(token, record)
    return record
  }

  /** @param {(record: RefreshRecord) => boolean} matches @returns {number} how many were alive */
  revoke(matches) {
    let count = 0
    for (const record of this.refreshTokens.values()) {
      if (record.state === 'revoked' || !matches(record)) continue
      record.state = 'revoked'
      record.revokedAt = Date.now()
      count += 1
    }
    return count
  }

  /** Makes everything of a user older, as if the time had passed. */
  age(user, ms) {
    for (const store of [this.codes, this.refreshTokens]) {
      for (const record of store.values()) {
        if (record.user !== user) continue
        record.issuedAt -= ms
        if ('usedAt' in record) record.usedAt -= ms
      }
    }
  }

  consented(user, clientId) {
    return this.consents.get(`${user} ${clientId}`) ?? new Set()
  }

  /** @param {string} user or a tenant's id, for everybody in it */
  consent(user, clientId, keys) {
    this.consents.set(`${user} ${clientId}`, new Set([...this.consented(user, clientId), ...keys]))
  }

  withdrawConsent(user, clientId) {
    this.consents.delete(`${user} ${clientId}`)
  }
}

/**
 * What of a code or a refresh token lives on in the next refresh token.
 *
 * @param {Grant} grant
 * @returns {Grant}
 */
function heritage({ user, clientId, provider, scopes, googleScopes, offline, mfa }) {
  return { user, clientId, provider, scopes, googleScopes, offline, mfa }
}

module.exports = { GrantStore, heritage, CODE_LIFETIME_S, REFRESH_LIFETIME_S }
