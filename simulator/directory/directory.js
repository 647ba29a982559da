'use strict'

const { createHash } = require('node:crypto')
const { X509Certificate } = require('node:crypto')
const defaults = require('./defaults')

/**
 * Who and what exists: tenants, accounts, app registrations. Shared by the OAuth, IMAP and SMTP servers, changeable at any
 * moment: every request looks here anew.
 */
class Directory {
  /** @param {{ tenants?: object[], accounts?: object[], clients?: object[] }} [options] */
  constructor({ tenants = defaults.tenants, accounts = defaults.accounts, clients = defaults.clients } = {}) {
    this.tenants = tenants.map(completeTenant)
    /** @type {Map<string, any>} by lower-case main address */
    this.accounts = new Map()
    for (const account of accounts) this.addAccount(account)
    /** @type {Map<string, any>} */
    this.clients = new Map()
    for (const client of clients) this.addClient(client)
  }

  /** A tenant by id or domain. */
  tenant(name) {
    const wanted = name.toLowerCase()
    return this.tenants.find(({ id, domain }) => id === wanted || domain === wanted) ?? null
  }

  /** An account by its main address or an alias, in any case. */
  account(address) {
    const wanted = String(address ?? '').toLowerCase()
    return (
      this.accounts.get(wanted) ?? [...this.accounts.values()].find(({ aliases }) => aliases.includes(wanted)) ?? null
    )
  }

  /** Whether mail for the address' domain is delivered here. */
  isLocal(address) {
    const domain = domainOf(address)
    return this.tenants.some((tenant) => tenant.domain === domain) || this.#domains().has(domain)
  }

  addAccount(account) {
    const complete = completeAccount(account, this.tenants)
    this.accounts.set(complete.user, complete)
    return complete
  }

  /** @param {any} client */
  addClient(client) {
    const complete = completeClient(client)
    this.clients.set(complete.id, complete)
    return complete
  }

  /** Changes an account in place; throws when there is none, so that a typing error does not make a test pass. */
  setAccount(user, changes) {
    return Object.assign(this.#existing(this.account(user), 'account', user), changes)
  }

  setClient(id, changes) {
    const client = this.#existing(this.clients.get(id), 'client', id)
    const { secret, certificates, ...others } = changes
    if (secret !== undefined) client.secrets = secretsOf(secret)
    if (certificates !== undefined) client.certificates = certificates.map(thumbprinted)
    return Object.assign(client, others)
  }

  setTenant(name, changes) {
    return Object.assign(this.#existing(this.tenant(name), 'tenant', name), changes)
  }

  #existing(found, kind, name) {
    if (!found) throw new TypeError(`There is no ${kind} ${JSON.stringify(name)} in this world`)
    return found
  }

  #domains() {
    return new Set([...this.accounts.keys()].map(domainOf))
  }
}

function completeTenant(tenant) {
  return {
    userConsent: 'allow',
    smtpAuth: true,
    ...tenant,
    id: tenant.id.toLowerCase(),
    domain: tenant.domain.toLowerCase(),
  }
}

function completeAccount(account, tenants) {
  const user = account.user.toLowerCase()
  const home = tenants.find(({ domain }) => domain === domainOf(user)) ?? tenants[0]
  return {
    provider: 'microsoft',
    name: user,
    password: null,
    oid: guid(`oid ${user}`),
    tenantId: home?.id ?? defaults.CONSUMERS_TENANT,
    admin: false,
    /** Addresses of those who may open this mailbox and send as it; null for a person's own. */
    shared: null,
    mailbox: true,
    imap: true,
    smtpAuth: true,
    mfa: false,
    /** An AADSTS number that every sign-in and every redemption of this account ends with. */
    aadsts: null,
    ...account,
    user,
    aliases: (account.aliases ?? []).map((alias) => alias.toLowerCase()),
  }
}

/** @returns {any} */
function completeClient({ secret, certificates = [], ...client }) {
  return {
    name: client.id,
    provider: 'microsoft',
    redirectUris: [],
    /** `common`, `organizations`, `consumers`, or a tenant's id for a single-tenant app. */
    audience: 'common',
    /** Device code without a secret. */
    allowPublicClient: false,
    roles: [],
    mailboxAccess: [],
    aadsts: null,
    /** Google: refresh tokens of apps in "Testing" die after 7 days. */
    testing: false,
    ...client,
    secrets: secretsOf(secret),
    certificates: certificates.map(thumbprinted),
  }
}

/** A secret has a value and an id, which people mistake for each other, and an end. */
function secretsOf(secret) {
  const list = secret === undefined || secret === null ? [] : [secret].flat()
  return list.map((entry) => {
    const { value, expiresAt = null } = typeof entry === 'string' ? { value: entry } : entry
    return { value, expiresAt, id: entry.id ?? guid(`secret ${value}`) }
  })
}

function thumbprinted(pem) {
  const certificate = new X509Certificate(pem)
  return {
    pem,
    sha256: createHash('sha256').update(certificate.raw).digest('base64url'),
    sha1: createHash('sha1').update(certificate.raw).digest('base64url'),
    publicKey: certificate.publicKey,
  }
}

/** The same name gives the same GUID in every world, so that tests may write it down. */
function guid(name) {
  const hex = createHash('sha256').update(name).digest('hex')
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}

function domainOf(address) {
  return address.slice(address.lastIndexOf('@') + 1).toLowerCase()
}

module.exports = { Directory, guid, domainOf }
