'use strict'

const { URLSearchParams } = require('node:url')

/** A form larger than this is no OAuth request. */
const MAX_BODY_BYTES = 1024 * 1024

/**
 * @typedef {object} Incoming
 * @property {string} method
 * @property {URL} url
 * @property {URLSearchParams} query
 * @property {URLSearchParams} form empty unless form-encoded
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {Map<string, string>} cookies
 * @property {Record<string, string>} parameters of the path
 */

/**
 * @param {import('node:http').IncomingMessage} request
 * @param {string} origin
 * @returns {Promise<Incoming>}
 */
async function readIncoming(request, origin) {
  const url = new URL(request.url ?? '/', origin)
  const isForm = /^application\/x-www-form-urlencoded\b/i.test(request.headers['content-type'] ?? '')
  const body = await readBody(request)
  return {
    method: request.method ?? 'GET',
    url,
    query: url.searchParams,
    form: new URLSearchParams(isForm ? body : ''),
    headers: request.headers,
    cookies: parseCookies(request.headers.cookie),
    parameters: {},
  }
}

async function readBody(request) {
  const chunks = []
  let size = 0
  for await (const chunk of request) {
    size += chunk.length
    if (size > MAX_BODY_BYTES) throw new RangeError('The request body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseCookies(header = '') {
  const pairs = header.split(';').map((pair) => pair.trim().split('='))
  return new Map(pairs.filter(([name]) => name).map(([name, ...value]) => [name, value.join('=')]))
}

module.exports = { readIncoming }
