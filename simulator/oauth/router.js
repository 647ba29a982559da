'use strict'

const { adminConsent } = require('./admin-consent')
const { authorize } = require('./authorize')
const { deviceCodeEntered, deviceForm } = require('./device-page')
const { me } = require('./graph')
const google = require('./google/routes')
const { answer } = require('./interaction')
const { jwks, metadata } = require('./metadata')
const { deviceCode, token } = require('./token-endpoint')

/**
 * @typedef {object} Route
 * @property {string} method `*` for any
 * @property {RegExp} path
 * @property {string} endpoint its name for `failNext`
 * @property {'json' | 'page' | 'google'} failure how an error of it looks
 * @property {(context: any, incoming: import('./incoming').Incoming & { fault?: Error }, response: import('node:http').ServerResponse) => any} handle
 */

const TENANT = '/(?<tenant>[^/]+)'

/** @type {Route[]} */
const ROUTES = [
  route('GET|POST', `${TENANT}/oauth2/v2\\.0/authorize`, 'authorize', 'page', authorize),
  route('POST', `${TENANT}/oauth2/v2\\.0/token`, 'token', 'json', token),
  route('POST', `${TENANT}/oauth2/v2\\.0/devicecode`, 'devicecode', 'json', deviceCode),
  route('GET', `${TENANT}/discovery/v2\\.0/keys`, 'jwks', 'json', jwks),
  route('GET', `${TENANT}/v2\\.0/\\.well-known/openid-configuration`, 'metadata', 'json', metadata),
  route('GET', `${TENANT}/v2\\.0/adminconsent`, 'adminconsent', 'page', adminConsent),
  route('GET', `${TENANT}/oauth2/deviceauth`, 'page', 'page', deviceForm),
  route('POST', `${TENANT}/oauth2/deviceauth`, 'page', 'page', deviceCodeEntered),
  route('POST', `${TENANT}/login`, 'page', 'page', answer),
  route('GET', '(?:/v1\\.0)?/me', 'me', 'json', me),
  ...google.ROUTES.map(([method, path, endpoint, failure, handle]) => route(method, path, endpoint, failure, handle)),
]

function route(method, path, endpoint, failure, handle) {
  return { method, path: new RegExp(`^${path}/?$`), endpoint, failure, handle }
}

/**
 * @param {string} method
 * @param {string} pathname
 * @returns {{ route: Route, parameters: Record<string, string> } | { allow: true } | null} `allow`: there, but not by this method
 */
function match(method, pathname) {
  let other = false
  for (const candidate of ROUTES) {
    const found = candidate.path.exec(pathname)
    if (!found) continue
    if (candidate.method.split('|').includes(method)) return { route: candidate, parameters: { ...found.groups } }
    other = true
  }
  return other ? { allow: true } : null
}

module.exports = { match }
