'use strict'

const { fieldValue, fieldValues } = require('../../mailbox/mime/header.js')
const { parseAddresses } = require('../../mailbox/mime/address.js')
const { nstring } = require('../syntax.js')

/**
 * ENVELOPE (RFC 3501 §7.4.2).
 *
 *     envelope = "(" date SP subject SP from SP sender SP reply-to SP to SP cc SP bcc SP in-reply-to SP message-id ")"
 *
 * @param {Buffer} raw
 * @param {import('../../mailbox/mime/header.js').Header} header
 * @param {string} [gap] between two addresses: nothing, if the grammar is kept
 * @returns {string} byte string
 */
function envelope(raw, header, gap = '') {
  const people = (/** @type {string} */ name) => addresses(raw, header, name, gap)
  const from = people('from')
  const text = (/** @type {string} */ name) => nstring(fieldValue(raw, header, name))
  // Folding is for lines, not for people: one space is enough.
  const subject = nstring(fieldValue(raw, header, 'subject')?.replace(/[ \t]+/g, ' ') ?? null)
  const list = (/** @type {string} */ name) => people(name) ?? 'NIL'
  // A missing Sender or Reply-To is From's.
  const sender = people('sender') ?? from ?? 'NIL'
  const replyTo = people('reply-to') ?? from ?? 'NIL'
  const lists = [from ?? 'NIL', sender, replyTo, list('to'), list('cc'), list('bcc')].join(' ')
  return `(${text('date')} ${subject} ${lists} ${text('in-reply-to')} ${text('message-id')})`
}

/**
 * @param {Buffer} raw
 * @param {import('../../mailbox/mime/header.js').Header} header
 * @param {string} name
 * @param {string} gap
 * @returns {string | null} null for none
 */
function addresses(raw, header, name, gap) {
  const found = fieldValues(raw, header, name).flatMap(parseAddresses)
  if (found.length === 0) return null
  return `(${found.map(address).join(gap)})`
}

/** @param {import('../../mailbox/mime/address.js').EnvelopeAddress} each */
function address({ name, route, mailbox, host }) {
  return `(${nstring(name)} ${nstring(route)} ${nstring(mailbox)} ${nstring(host)})`
}

module.exports = { envelope }
