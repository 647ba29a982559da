'use strict'

const { randomUUID } = require('node:crypto')

const NO_STORE = { 'cache-control': 'no-store, no-cache', pragma: 'no-cache' }

/**
 * @typedef {import('node:http').ServerResponse} Response
 */

/** @param {Response} response @param {number} status @param {unknown} value @param {Record<string, string>} [headers] */
function sendJson(response, status, value, headers = {}) {
  send(response, status, JSON.stringify(value), { 'content-type': 'application/json; charset=utf-8', ...headers })
}

/** @param {Response} response @param {number} status @param {string} html @param {Record<string, string>} [headers] */
function sendHtml(response, status, html, headers = {}) {
  send(response, status, html, {
    'content-type': 'text/html; charset=utf-8',
    // No `form-action`: browsers would apply it to the redirect back to the app, too.
    'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    'referrer-policy': 'strict-origin-when-cross-origin',
    ...headers,
  })
}

/** 303 makes a GET of it even after a form's POST. */
function redirect(response, url, headers = {}) {
  send(response, 303, '', { location: String(url), ...headers })
}

function send(response, status, body, headers) {
  if (response.headersSent || response.destroyed) return
  response.writeHead(status, {
    ...NO_STORE,
    'x-ms-request-id': randomUUID(),
    'content-length': String(Buffer.byteLength(body)),
    ...headers,
  })
  response.end(body)
}

/**
 * Entra's error body.
 *
 * @param {import('./aadsts').AadstsError} error
 * @param {{ origin: string, correlationId?: string }} context
 */
function errorBody(error, { origin, correlationId = randomUUID() }) {
  const trace = randomUUID()
  const timestamp = `${new Date().toISOString().slice(0, 19).replace('T', ' ')}Z`
  return {
    error: error.error,
    error_description: `${error.message} Trace ID: ${trace} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
    error_codes: [error.code],
    timestamp,
    trace_id: trace,
    correlation_id: correlationId,
    error_uri: `${origin}/error?code=${error.code}`,
    ...(error.suberror && { suberror: error.suberror }),
    ...(error.claims && { claims: error.claims }),
  }
}

module.exports = { sendJson, sendHtml, redirect, send, errorBody }
