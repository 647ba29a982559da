'use strict'

const LOOPBACK = ['localhost', '127.0.0.1', '[::1]']

/**
 * Exact comparison; only the port of a loopback `http` address is free (RFC 8252 §7.3).
 *
 * @param {{ redirectUris: string[] }} client
 * @param {string} uri
 */
function isRegistered(client, uri) {
  const loopback = portless(uri)
  return client.redirectUris.some((known) => known === uri || (loopback !== null && portless(known) === loopback))
}

/** A loopback address without its port; null for any other. */
function portless(uri) {
  if (!URL.canParse(uri)) return null
  const url = new URL(uri)
  if (url.protocol !== 'http:' || !LOOPBACK.includes(url.hostname) || url.hash) return null
  url.port = ''
  return url.href
}

module.exports = { isRegistered }
