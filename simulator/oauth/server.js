'use strict'

const https = require('node:https')
const { setTimeout: sleep } = require('node:timers/promises')
const { listen } = require('../net/listener')
const { AadstsError } = require('./aadsts')
const { faultError, faultReply, Faults } = require('./faults')
const { GoogleError } = require('./google/errors')
const { GrantStore } = require('./grants-store')
const { readIncoming } = require('./incoming')
const { KeyRing } = require('./keys')
const { messagePage } = require('./pages')
const { errorBody, send, sendHtml, sendJson } = require('./respond')
const { match } = require('./router')
const { TokenMint } = require('./tokens')

/**
 * @typedef {object} Settings changeable at any moment
 * @property {number} tokenLifetimeSeconds of access tokens and id_tokens
 * @property {'microsoft' | 'revoke' | 'revoke-family'} rotation what becomes of a refresh token that was used
 * @property {number} deviceIntervalSeconds
 * @property {number} deviceLifetimeSeconds
 *
 * @typedef {object} Context
 * @property {import('../directory/directory').Directory} directory
 * @property {GrantStore} grants
 * @property {KeyRing} keys
 * @property {TokenMint} mint
 * @property {Faults} faults
 * @property {Map<string, any>} flows
 * @property {Map<string, { user: string, mfa: boolean }>} sessions
 * @property {Map<string, any>} googleTokens opaque access tokens of Google
 * @property {Settings} settings
 * @property {() => string} origin
 * @property {{ method: string, path: string, endpoint: string | null, parameters: Record<string, string> }[]} requests what was asked, and how often
 */

/**
 * @param {{ tls: { key: string, cert: string }, directory: import('../directory/directory').Directory, host?: string, port?: number,
 *   tokenBytes?: number } & Partial<Settings>} options
 */
async function startOAuthServer({ tls, directory, host = 'localhost', port, tokenBytes = 2048, ...settings }) {
  let origin = ''
  const keys = await KeyRing.create()
  /** @type {Context} */
  const context = {
    directory,
    keys,
    grants: new GrantStore(),
    mint: new TokenMint({ keys, origin: () => origin, tokenBytes }),
    faults: new Faults(),
    flows: new Map(),
    sessions: new Map(),
    googleTokens: new Map(),
    settings: {
      tokenLifetimeSeconds: 3600,
      rotation: 'microsoft',
      deviceIntervalSeconds: 5,
      deviceLifetimeSeconds: 900,
      ...defined(settings),
    },
    origin: () => origin,
    requests: [],
  }
  const server = https.createServer(tls, (request, response) => {
    handle(context, request, response).catch((error) => {
      // A request that broke off has nobody to answer to.
      if (request.errored || response.destroyed) return
      sendJson(response, error instanceof RangeError ? 413 : 500, {
        error: 'server_error',
        error_description: String(error),
      })
    })
  })
  const listener = await listen(server, { port })
  origin = `https://${host}:${listener.port}`
  return { context, origin, port: listener.port, stop: listener.stop }
}

/** @param {Context} context @param {import('node:http').IncomingMessage} request @param {import('node:http').ServerResponse} response */
async function handle(context, request, response) {
  const incoming = await readIncoming(request, context.origin())
  const found = match(incoming.method, incoming.url.pathname)
  const endpoint = found && 'route' in found ? found.route.endpoint : null
  const parameters = Object.fromEntries([...incoming.query, ...incoming.form])
  context.requests.push({ method: incoming.method, path: incoming.url.pathname, endpoint, parameters })
  const fail = (error, failure) => sendFailure(context, incoming, response, error, failure)
  if (!found) return sendJson(response, 404, { error: 'not_found' })
  if (!('route' in found)) return fail(new AadstsError(900561), 'json')
  const { route } = found
  incoming.parameters = found.parameters
  try {
    const suffered = await suffer(context, route, incoming, response)
    if (!suffered) await route.handle(context, incoming, response)
  } catch (error) {
    fail(error, route.failure)
  }
}

/** Carries out an ordered fault. @returns whether the request has been answered by it */
async function suffer(context, route, incoming, response) {
  const parameters = incoming.method === 'POST' ? incoming.form : incoming.query
  const fault = context.faults.take(route.endpoint, parameters)
  if (!fault) return false
  if (fault.delayMs) await sleep(fault.delayMs, undefined, { ref: false })
  if (fault.destroy) {
    response.destroy()
    return true
  }
  const error = route.failure === 'google' ? null : faultError(fault)
  if (error && route.endpoint === 'authorize') incoming.fault = error
  else if (error) throw error
  const reply = error ? null : faultReply(fault)
  if (reply) send(response, reply.status, reply.body, reply.headers)
  return reply !== null
}

function sendFailure(context, incoming, response, error, failure) {
  if (error instanceof GoogleError) return error.send(response, failure)
  if (!(error instanceof AadstsError)) throw error
  const correlationId = incoming.headers['client-request-id']
  const body = errorBody(error, { origin: context.origin(), correlationId })
  if (failure === 'json') return sendJson(response, error.status, body, error.headers)
  sendHtml(
    response,
    error.status,
    messagePage('microsoft', 'Sorry, but we’re having trouble signing you in.', body.error_description),
  )
}

function defined(values) {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))
}

module.exports = { startOAuthServer }
