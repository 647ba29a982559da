'use strict'

const { randomUUID } = require('node:crypto')
const { AadstsError } = require('./aadsts')
const pages = require('./pages')
const { redirect, sendHtml } = require('./respond')
const { checkResident } = require('./tenancy')

/**
 * One person's way through the pages, from a link to its end:
 *
 * ```text
 *   start ──▶ sign in ──▶ second factor? ──▶ may sign in? ──▶ consent? ──▶ finish ──▶ back to the app
 *                │              │                │ no            │ no
 *              cancel         cancel        error page        decline ──▶ back to the app with an error
 * ```
 *
 * @typedef {object} Flow
 * @property {string} id
 * @property {'microsoft' | 'google'} brand
 * @property {any} client
 * @property {any} tenancy
 * @property {string | null} loginHint
 * @property {string | null} prompt
 * @property {any} account null until somebody signed in
 * @property {boolean} mfa
 * @property {() => Need} consent
 * @property {() => Outcome} finish
 * @property {(error: import('./aadsts').AadstsError) => Outcome} decline
 * @property {string} [session]
 *
 * @typedef {{ kind: 'none' | 'ask' | 'admin', words?: string[], organization?: string, error?: import('./aadsts').AadstsError }} Need whether consent has
 *   to be asked for (`words` say for what), or is an admin's to give (`error`)
 * @typedef {{ location: string } | { html: string, status?: number }} Outcome
 */

const SESSION_COOKIE = 'ESTSAUTHSIM'

/** @param {any} context @param {Partial<Flow>} parts @returns {Flow} */
function openFlow(context, parts) {
  const flow = /** @type {Flow} */ ({
    loginHint: null,
    prompt: null,
    account: null,
    mfa: false,
    ...parts,
    id: randomUUID(),
  })
  context.flows.set(flow.id, flow)
  return flow
}

/** The first page, or no page at all for somebody who is signed in already and has consented. */
function begin(context, flow, incoming, response) {
  const sessions = sessionAccounts(context, incoming, flow.brand)
  const hinted = flow.loginHint ? sessions.filter(({ user }) => user === flow.loginHint?.toLowerCase()) : sessions
  const silent = flow.prompt === null || flow.prompt === 'none' || flow.prompt === 'consent'
  if (silent && hinted.length === 1) {
    flow.account = hinted[0]
    flow.mfa = sessionOf(context, incoming)?.mfa ?? false
  } else if (flow.prompt === 'none') {
    return conclude(context, flow, flow.decline(new AadstsError(50058)), response)
  }
  proceed(context, flow, incoming, response)
}

/** A form came back. */
function answer(context, incoming, response) {
  const flow = context.flows.get(incoming.form.get('flow') ?? '')
  if (!flow) throw new AadstsError(50089)
  const step = incoming.form.get('step')
  if (incoming.form.get('decision') === 'cancel') {
    const consent = step === 'consent' ? flow.consent() : null
    return conclude(
      context,
      flow,
      flow.decline(consent?.kind === 'admin' ? consent.error : new AadstsError(65004)),
      response,
    )
  }
  if (step === 'login') {
    const error = signIn(context, flow, incoming)
    if (error) return showLogin(context, flow, incoming, response, error.message)
  } else if (step === 'mfa' && flow.account) {
    flow.mfa = true
  } else if (step === 'consent' && flow.account && flow.consent().kind !== 'admin') {
    return conclude(context, flow, flow.finish(), response, startSession(context, flow))
  }
  proceed(context, flow, incoming, response)
}

function proceed(context, flow, incoming, response) {
  const { account } = flow
  if (!account) return showLogin(context, flow, incoming, response)
  if (account.mfa && !flow.mfa) return sendHtml(response, 200, pages.mfaPage({ flow }))
  if (flow.brand === 'microsoft') checkResident(context.directory, account, flow.tenancy, flow.client)
  if (account.aadsts) throw new AadstsError(account.aadsts, { clientId: flow.client.id })
  const consent = flow.consent()
  if (consent.kind === 'none') return conclude(context, flow, flow.finish(), response, startSession(context, flow))
  if (flow.prompt === 'none') {
    const error = new AadstsError(65001, {
      error: 'interaction_required',
      clientId: flow.client.id,
      clientName: flow.client.name,
    })
    return conclude(context, flow, flow.decline(error), response)
  }
  const html =
    consent.kind === 'admin' ? pages.needAdminPage({ flow, ...consent }) : pages.consentPage({ flow, ...consent })
  sendHtml(response, 200, html, startSession(context, flow))
}

/** @returns {import('./aadsts').AadstsError | null} */
function signIn(context, flow, incoming) {
  const picked = incoming.form.get('pick')
  if (picked) {
    const known = sessionAccounts(context, incoming, flow.brand).find(({ user }) => user === picked)
    flow.account = known ?? null
    return known ? null : new AadstsError(50058)
  }
  const username = incoming.form.get('username')?.trim().toLowerCase() ?? ''
  const account = context.directory.accounts.get(username)
  if (!account || account.provider !== flow.brand) return new AadstsError(50034, { tenantName: 'Directory' })
  // Shared mailboxes have no password: nobody signs in as them.
  if (account.password === null || incoming.form.get('password') !== account.password) return new AadstsError(50126)
  flow.account = account
  return null
}

function showLogin(context, flow, incoming, response, error) {
  const accounts = [...context.directory.accounts.values()].filter(
    ({ provider, password }) => provider === flow.brand && password !== null,
  )
  const sessions = sessionAccounts(context, incoming, flow.brand)
  sendHtml(response, 200, pages.loginPage({ flow, sessions, accounts, error }))
}

function conclude(context, flow, outcome, response, headers = {}) {
  context.flows.delete(flow.id)
  if ('location' in outcome) redirect(response, outcome.location, headers)
  else sendHtml(response, outcome.status ?? 200, outcome.html, headers)
}

/** Single sign-on: the next flow in the same browser knows who is there. */
function startSession(context, flow) {
  flow.session ??= randomUUID()
  context.sessions.set(flow.session, { user: flow.account.user, mfa: flow.mfa })
  return { 'set-cookie': `${SESSION_COOKIE}=${flow.session}; Path=/; Secure; HttpOnly; SameSite=None` }
}

function sessionOf(context, incoming) {
  return context.sessions.get(incoming.cookies.get(SESSION_COOKIE) ?? '')
}

function sessionAccounts(context, incoming, brand) {
  const account = context.directory.accounts.get(sessionOf(context, incoming)?.user ?? '')
  return account?.provider === brand ? [account] : []
}

module.exports = { openFlow, begin, answer }
