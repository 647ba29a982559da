'use strict'

const { randomInt } = require('node:crypto')
const { AadstsError } = require('../aadsts')
const { issueUserTokens } = require('../issue')
const { parseScopes } = require('../scopes')
const { opaque } = require('../tokens')
const { required } = require('./authorization-code')

const SLOW_DOWN_S = 5
/** No vowels, no look-alikes: what a person types. */
const ALPHABET = 'BCDFGHJKLMNPQRSTVWXZ23456789'

/** RFC 8628 §3.1: starts a device authorization. */
function startDeviceCode(context, { form, client }) {
  const scopes = parseScopes(required(form, 'scope'))
  const userCode = Array.from({ length: 9 }, () => ALPHABET[randomInt(ALPHABET.length)]).join('')
  const deviceCode = opaque('D', 180)
  const { deviceIntervalSeconds: interval, deviceLifetimeSeconds: lifetime } = context.settings
  const verificationUri = `${context.origin()}/common/oauth2/deviceauth`
  context.grants.deviceCodes.set(deviceCode, {
    userCode,
    clientId: client.id,
    scopes,
    interval,
    lifetime,
    startedAt: Date.now(),
    polledAt: 0,
    state: 'pending',
    grant: null,
  })
  return {
    user_code: userCode,
    device_code: deviceCode,
    verification_uri: verificationUri,
    expires_in: lifetime,
    interval,
    message: `To sign in, use a web browser to open the page ${verificationUri} and enter the code ${userCode} to authenticate.`,
  }
}

/** RFC 8628 §3.4: the poll. */
async function redeemDeviceCode(context, { form, client }) {
  const record = context.grants.deviceCodes.get(required(form, 'device_code'))
  if (!record || record.clientId !== client.id) throw new AadstsError(70018, { error: 'bad_verification_code' })
  if (isExpired(record) || record.state === 'redeemed') throw new AadstsError(70020)
  const tooFast = Date.now() - record.polledAt < record.interval * 1000 - 100
  record.polledAt = Date.now()
  if (tooFast) {
    record.interval += SLOW_DOWN_S
    throw new AadstsError(70016, { error: 'slow_down' })
  }
  if (record.state === 'pending') throw new AadstsError(70016)
  if (record.state === 'declined') throw new AadstsError(65004, { error: 'authorization_declined' })
  record.state = 'redeemed'
  return issueUserTokens(context, { grant: record.grant, client, asked: parseScopes(form.get('scope') ?? undefined) })
}

function isExpired(record) {
  return Date.now() - record.startedAt > record.lifetime * 1000
}

/** @returns the pending record of a typed code, or null */
function findUserCode(context, typed) {
  const wanted = String(typed ?? '')
    .replace(/[\s-]/g, '')
    .toUpperCase()
  const records = [...context.grants.deviceCodes.values()]
  return (
    records.find((record) => record.userCode === wanted && record.state === 'pending' && !isExpired(record)) ?? null
  )
}

module.exports = { startDeviceCode, redeemDeviceCode, findUserCode }
