'use strict'

const { compose } = require('../compose.js')
const { dateField, headerOf } = require('../letter.js')
const { Random } = require('../random.js')

/*
 * A mail that could not be delivered (RFC 3464): words for people, fields for programs, the header of what was sent.
 */

/**
 * @param {import('../letter.js').Letter} mail from the mail system
 * @param {import('../letter.js').Letter} original what the user had sent
 */
function bounce(mail, original) {
  const random = new Random(mail.seed)
  const address = original.to[0].address
  const domain = address.split('@')[1]
  const words = `This is the mail system at host mail.contoso.example.

I'm sorry to have to inform you that your message could not be delivered to one or more recipients. It's attached below.

<${address}>: host mx1.${domain}[192.0.2.25] said: 550 5.1.1 <${address}>: Recipient address rejected: User unknown in virtual mailbox table (in reply to RCPT TO command)`
  const status = [
    'Reporting-MTA: dns; mail.contoso.example',
    `X-Postfix-Queue-ID: ${random.hex(10).toUpperCase()}`,
    `Arrival-Date: ${dateField(original.date, '+0000')}`,
    '',
    `Final-Recipient: rfc822; ${address}`,
    `Original-Recipient: rfc822;${address}`,
    'Action: failed',
    'Status: 5.1.1',
    `Remote-MTA: dns; mx1.${domain}`,
    `Diagnostic-Code: smtp; 550 5.1.1 <${address}>: Recipient address rejected: User`,
    '    unknown in virtual mailbox table',
    '',
  ]
  const returned = [...headerOf(original), 'MIME-Version: 1.0', 'Content-Type: text/plain; charset=us-ascii', '', '']
  /** @type {import('../compose.js').MultiPart} */
  const report = {
    multipart: 'report',
    parameters: '; report-type=delivery-status',
    parts: [
      { text: 'plain', content: words, charset: 'us-ascii', encoding: '7bit' },
      raw('message/delivery-status', 'Delivery report', status),
      raw('text/rfc822-headers', 'Undelivered Message Headers', returned),
    ],
  }
  return compose(
    [...headerOf(mail), 'Auto-Submitted: auto-replied'],
    report,
    `${random.hex(10).toUpperCase()}.${random.integer(1000000, 9999999)}/mail`,
  )
}

/**
 * @param {string} type
 * @param {string} description
 * @param {string[]} lines
 * @returns {import('../compose.js').RawPart}
 */
function raw(type, description, lines) {
  return {
    header: [`Content-Description: ${description}`, `Content-Type: ${type}`],
    body: Buffer.from(lines.join('\r\n'), 'latin1'),
  }
}

module.exports = { bounce }
