'use strict'

const { URLSearchParams } = require('node:url')

const https = require('node:https')

/**
 * @typedef {object} Reply
 * @property {number} status
 * @property {import('node:http').IncomingHttpHeaders} headers
 * @property {string} text
 * @property {() => any} json
 */

/**
 * One HTTPS exchange, trusting the world's CA alone. Redirects are not followed: tests want to see them.
 *
 * @param {string | URL} url
 * @param {{ ca: string, method?: string, headers?: Record<string, string>, form?: Record<string, string | undefined>,
 *   body?: string | Buffer, signal?: AbortSignal }} options `form` is sent as a POST of `application/x-www-form-urlencoded`
 * @returns {Promise<Reply>}
 */
function request(url, { ca, form, body, method, headers = {}, signal }) {
  const payload = form ? encodeForm(form) : body
  const type = form ? { 'content-type': 'application/x-www-form-urlencoded' } : {}
  return new Promise((resolve, reject) => {
    const outgoing = https.request(
      url,
      {
        ca,
        agent: false,
        signal,
        method: method ?? (payload === undefined ? 'GET' : 'POST'),
        headers: { accept: '*/*', ...type, ...headers },
      },
      (incoming) => {
        const chunks = []
        incoming.on('data', (chunk) => chunks.push(chunk))
        incoming.on('error', reject)
        incoming.on('end', () => {
          const text = Buffer.concat(chunks).toString('utf8')
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text, json: () => JSON.parse(text) })
        })
      },
    )
    outgoing.on('error', reject)
    outgoing.end(payload)
  })
}

/** @param {Record<string, string | undefined>} form */
function encodeForm(form) {
  const given = Object.entries(form).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  return new URLSearchParams(given).toString()
}

module.exports = { request, encodeForm }
