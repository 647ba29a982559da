'use strict'

const { URLSearchParams } = require('node:url')

const { randomUUID } = require('node:crypto')
const { AadstsError } = require('./aadsts')
const { consentNeeded } = require('./consent')
const { begin, openFlow } = require('./interaction')
const { formPostPage } = require('./pages')
const { isRegistered } = require('./redirect-uri')
const { errorBody, redirect, sendHtml } = require('./respond')
const { consentKeys, parseScopes } = require('./scopes')
const { findClient, resolveTenancy } = require('./tenancy')

/**
 * `/{tenant}/oauth2/v2.0/authorize`. What is wrong with tenant, app or redirect URI is said on a page, never to the redirect URI:
 * it is not proven to be the app's (RFC 6749 §4.1.2.1).
 */
function authorize(context, incoming, response) {
  const parameters = incoming.method === 'POST' ? incoming.form : incoming.query
  const tenancy = resolveTenancy(context.directory, incoming.parameters.tenant)
  const client = findClient(context.directory, parameters.get('client_id'), tenancy)
  const redirectUri = parameters.get('redirect_uri') ?? client.redirectUris[0]
  if (!redirectUri || !isRegistered(client, redirectUri))
    throw new AadstsError(50011, { redirectUri, clientId: client.id })
  const reply = replier(context, parameters, redirectUri)
  let request
  try {
    if (incoming.fault) throw incoming.fault
    request = readRequest(parameters)
  } catch (error) {
    if (!(error instanceof AadstsError)) throw error
    return deliver(reply.failure(error), response)
  }
  const flow = openFlow(context, {
    brand: 'microsoft',
    client,
    tenancy,
    loginHint: parameters.get('login_hint'),
    prompt: parameters.get('prompt'),
    consent: () => consentNeeded(context, flow, request.scopes),
    decline: reply.failure,
    finish: () => {
      const keys = consentKeys(request.scopes)
      context.grants.consent(flow.account.user, client.id, keys)
      return reply.success(context.grants.issueCode(grantOf(flow, request, redirectUri)))
    },
  })
  begin(context, flow, incoming, response)
}

/** @param {URLSearchParams} parameters */
function readRequest(parameters) {
  const responseType = parameters.get('response_type')
  if (responseType !== 'code') throw new AadstsError(70005, { value: responseType ?? '' })
  const text = parameters.get('scope')
  if (!text) throw new AadstsError(900144, { name: 'scope' })
  const scopes = parseScopes(text)
  const [unknown] = scopes.unknown
  if (unknown?.kind === 'resource') throw new AadstsError(500011, { value: unknown.value, tenantName: 'Directory' })
  if (unknown) throw new AadstsError(70011, { value: unknown.value })
  const challenge = parameters.get('code_challenge')
  const method = parameters.get('code_challenge_method') ?? 'plain'
  if (challenge && !/^[A-Za-z0-9\-._~]{43,128}$/.test(challenge))
    throw new AadstsError(501481, { error: 'invalid_request' })
  if (challenge && !['S256', 'plain'].includes(method)) throw new AadstsError(501481, { error: 'invalid_request' })
  return { scopes, pkce: challenge ? { challenge, method } : null, nonce: parameters.get('nonce') ?? undefined }
}

function grantOf(flow, { scopes, pkce, nonce }, redirectUri) {
  return {
    user: flow.account.user,
    clientId: flow.client.id,
    provider: 'microsoft',
    scopes,
    offline: scopes.oidc.includes('offline_access'),
    mfa: flow.mfa,
    redirectUri,
    pkce,
    nonce,
  }
}

/** Answers to the redirect URI, in the mode that was asked for. */
function replier(context, parameters, redirectUri) {
  const mode = parameters.get('response_mode') ?? 'query'
  const state = parameters.get('state')
  const send = (values) => {
    const all = { ...values, ...(state !== null && { state }) }
    if (mode === 'form_post') return { html: formPostPage(redirectUri, all) }
    const url = new URL(redirectUri)
    if (mode === 'fragment') url.hash = new URLSearchParams(all).toString()
    else for (const [name, value] of Object.entries(all)) url.searchParams.set(name, value)
    return { location: url.href }
  }
  return {
    success: (code) => send({ code, session_state: randomUUID() }),
    failure: (error) => {
      const { error: word, error_description: text, error_uri: uri } = errorBody(error, { origin: context.origin() })
      const cancelled = word === 'access_denied' ? { error_subcode: 'cancel' } : {}
      return send({
        error: word,
        ...cancelled,
        error_description: text,
        error_uri: uri,
        ...(error.claims && { claims: error.claims }),
      })
    },
  }
}

function deliver(outcome, response) {
  if ('location' in outcome) redirect(response, outcome.location)
  else sendHtml(response, 200, outcome.html)
}

module.exports = { authorize }
