'use strict'

const { AadstsError } = require('./aadsts')
const { consentNeeded } = require('./consent')
const { findUserCode } = require('./grants/device-code')
const { begin, openFlow } = require('./interaction')
const { deviceCodePage, messagePage } = require('./pages')
const { sendHtml } = require('./respond')
const { consentKeys, describe } = require('./scopes')
const { resolveTenancy } = require('./tenancy')

const ACTION = '/common/oauth2/deviceauth'

/** Where the person types the code of a device (RFC 8628 §3.3). */
function deviceForm(_context, incoming, response) {
  sendHtml(response, 200, deviceCodePage({ brand: 'microsoft', action: ACTION, code: incoming.query.get('otc') ?? '' }))
}

function deviceCodeEntered(context, incoming, response) {
  const record = findUserCode(context, incoming.form.get('user_code'))
  if (!record) {
    const error = "That code didn't work. Check the code and try again."
    return sendHtml(response, 200, deviceCodePage({ brand: 'microsoft', action: ACTION, error }))
  }
  const client = context.directory.clients.get(record.clientId)
  const flow = openFlow(context, {
    brand: 'microsoft',
    client,
    tenancy: resolveTenancy(context.directory, 'common'),
    consent: () => {
      const needed = consentNeeded(context, flow, record.scopes)
      return needed.kind === 'admin' ? needed : { kind: 'ask', words: describe(record.scopes) }
    },
    decline: () => {
      record.state = 'declined'
      return { html: messagePage('microsoft', 'Declined', 'You have declined. You can close this page.') }
    },
    finish: () => {
      const { user } = flow.account
      context.grants.consent(user, client.id, consentKeys(record.scopes))
      const offline = record.scopes.oidc.includes('offline_access')
      record.grant = { user, clientId: client.id, provider: 'microsoft', scopes: record.scopes, offline, mfa: flow.mfa }
      record.state = 'approved'
      return {
        html: messagePage('microsoft', 'Signed in', `You have signed in to ${client.name}. You can close this page.`),
      }
    },
  })
  if (!client) throw new AadstsError(700016, { clientId: record.clientId, tenantName: 'Directory' })
  begin(context, flow, incoming, response)
}

module.exports = { deviceForm, deviceCodeEntered }
