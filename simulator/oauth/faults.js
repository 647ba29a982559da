'use strict'

const { AadstsError } = require('./aadsts')

/**
 * @typedef {object} Fault
 * @property {string} [endpoint] `token` (default), `authorize`, `devicecode`, `jwks`, `metadata`, `me`, `revoke` or `any`
 * @property {number} [times] how often; default 1
 * @property {string} [clientId] only requests of this app
 * @property {string} [grantType] only this grant at the token endpoint
 * @property {number} [aadsts] Entra's error of this number; `error`, `suberror`, `claims`, `status` replace the table's values
 * @property {string} [error]
 * @property {string} [suberror]
 * @property {string} [claims]
 * @property {number} [status] HTTP status
 * @property {number} [retryAfter] seconds
 * @property {Record<string, string>} [headers]
 * @property {unknown} [body] sent as it is: a string, bytes, or an object as JSON
 * @property {number} [delayMs] wait first; alone, the request then goes on as usual
 * @property {boolean} [destroy] cut the connection instead of answering
 */

/** Statuses that stand for an AADSTS error when nothing else is said. */
const BY_STATUS = new Map([
  [429, 90055],
  [500, 90090],
  [503, 90033],
])

/** What goes wrong next, in the order in which it was asked for. */
class Faults {
  constructor() {
    /** @type {Required<Pick<Fault, 'endpoint' | 'times'>> & Fault[] | any[]} */
    this.queue = []
  }

  /** @param {Fault} fault */
  failNext(fault) {
    this.queue.push({ endpoint: 'token', times: 1, ...fault })
  }

  clear() {
    this.queue = []
  }

  /** The fault that this request has to suffer, which is thereby used up. */
  take(endpoint, parameters) {
    const index = this.queue.findIndex(
      (fault) =>
        (fault.endpoint === endpoint || fault.endpoint === 'any') &&
        (!fault.clientId || fault.clientId === parameters.get('client_id')) &&
        (!fault.grantType || fault.grantType === parameters.get('grant_type')),
    )
    if (index < 0) return null
    const fault = this.queue[index]
    fault.times -= 1
    if (fault.times <= 0) this.queue.splice(index, 1)
    return fault
  }
}

/** The error that a fault stands for, or null when it says its answer itself or only delays. */
function faultError(fault) {
  const number = fault.aadsts ?? (fault.body === undefined ? BY_STATUS.get(fault.status) : undefined)
  if (number === undefined) return null
  const headers = { ...fault.headers, ...retryAfter(fault) }
  return new AadstsError(number, { ...fault, headers, appId: '00000002-0000-0ff1-ce00-000000000000' })
}

/** The raw answer of a fault that has one. */
function faultReply(fault) {
  if (fault.status === undefined && fault.body === undefined) return null
  const { body = '' } = fault
  const raw = typeof body === 'string' || Buffer.isBuffer(body)
  return {
    status: fault.status ?? 400,
    body: raw ? body : JSON.stringify(body),
    headers: { 'content-type': raw ? 'text/plain' : 'application/json', ...fault.headers, ...retryAfter(fault) },
  }
}

function retryAfter({ retryAfter: seconds }) {
  return seconds === undefined ? {} : { 'retry-after': String(seconds) }
}

module.exports = { Faults, faultError, faultReply }
