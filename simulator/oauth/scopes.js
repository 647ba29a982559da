'use strict'

// Microsoft's scopes: the same permission name means another permission under another resource, and a bare name means Graph.

/** Known to OpenID Connect, of no resource. */
const OIDC = ['openid', 'profile', 'email', 'offline_access']

const MAIL = {
  'IMAP.AccessAsUser.All': 'Read and write access to your mail by IMAP',
  'POP.AccessAsUser.All': 'Read and write access to your mail by POP',
  'SMTP.Send': 'Send mail as you by SMTP',
}

const RESOURCES = {
  outlook: {
    name: 'Office 365 Exchange Online',
    appId: '00000002-0000-0ff1-ce00-000000000000',
    uris: ['https://outlook.office.com', 'https://outlook.office365.com'],
    scopes: {
      ...MAIL,
      'Mail.Read': 'Read your mail',
      'EWS.AccessAsUser.All': 'Access your mailboxes by Exchange Web Services',
    },
  },
  graph: {
    name: 'Microsoft Graph',
    appId: '00000003-0000-0000-c000-000000000000',
    uris: ['https://graph.microsoft.com'],
    scopes: {
      ...MAIL,
      'User.Read': 'Sign you in and read your profile',
      'Mail.Read': 'Read your mail',
      'Mail.ReadWrite': 'Read and write access to your mail',
      'Mail.Send': 'Send mail as you',
    },
  },
}

const OIDC_WORDS = {
  openid: 'Sign you in',
  profile: 'View your basic profile',
  email: 'View your email address',
  offline_access: 'Maintain access to data you have given it access to',
}

/**
 * @typedef {object} ScopeSet
 * @property {string[]} oidc
 * @property {Map<string, string[]>} resources resource key → permission names; `.default` among them
 * @property {string} text as it was asked
 * @property {{ kind: 'scope' | 'resource', value: string, resource?: string }[]} unknown
 */

/**
 * @param {string | undefined} text space-separated
 * @returns {ScopeSet}
 */
function parseScopes(text) {
  /** @type {ScopeSet} */
  const set = { oidc: [], resources: new Map(), text: text ?? '', unknown: [] }
  for (const token of new Set((text ?? '').split(/\s+/).filter(Boolean))) {
    const lower = token.toLowerCase()
    if (OIDC.includes(lower)) {
      set.oidc.push(lower)
      continue
    }
    const { key, uri, name } = split(token)
    const known = key && canonical(key, name)
    if (!key) set.unknown.push({ kind: 'resource', value: uri })
    else if (!known) set.unknown.push({ kind: 'scope', value: token, resource: key })
    else set.resources.set(key, [...(set.resources.get(key) ?? []), known])
  }
  return set
}

/** `https://outlook.office.com/SMTP.Send` → outlook, SMTP.Send; `User.Read` → graph, User.Read. */
function split(token) {
  if (!token.includes('://')) return { key: 'graph', uri: RESOURCES.graph.uris[0], name: token }
  const at = token.lastIndexOf('/')
  const uri = token.slice(0, at).replace(/\/$/, '')
  const key = Object.keys(RESOURCES).find((candidate) => RESOURCES[candidate].uris.includes(uri.toLowerCase()))
  return { key, uri, name: token.slice(at + 1) }
}

function canonical(key, name) {
  if (name === '.default') return name
  return Object.keys(RESOURCES[key].scopes).find((known) => known.toLowerCase() === name.toLowerCase())
}

/**
 * The name under which a consent is remembered: mail permissions are granted in the portal under Graph and hold for Outlook.
 *
 * @param {string} key @param {string} name
 */
function consentKey(key, name) {
  return name in MAIL ? name : `${key}/${name}`
}

/** What a consent page and its answer are about. @param {ScopeSet} set */
function consentKeys(set) {
  const keys = []
  for (const [key, names] of set.resources) {
    for (const name of names) if (name !== '.default') keys.push(consentKey(key, name))
  }
  return [...new Set(keys)]
}

/** The permissions in words, for the consent page. @param {ScopeSet} set */
function describe(set) {
  const words = []
  for (const [key, names] of set.resources) for (const name of names) words.push(RESOURCES[key].scopes[name] ?? name)
  for (const name of set.oidc) if (name !== 'openid') words.push(OIDC_WORDS[name])
  return [...new Set(words)]
}

module.exports = { RESOURCES, parseScopes, consentKey, consentKeys, describe }
