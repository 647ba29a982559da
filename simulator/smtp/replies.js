'use strict'

/** An SMTP reply as an error: what smtp-server sends when a handler fails. */
class Reply extends Error {
  /** @param {number} code @param {string} text with its enhanced status in front */
  constructor(code, text) {
    super(text)
    this.name = 'Reply'
    this.responseCode = code
  }
}

/** `451 4.7.500 Server busy` → Reply */
function parseReply(line) {
  const match = /^([2-5]\d\d) (.+)$/.exec(line)
  if (!match) throw new TypeError(`Not an SMTP reply: ${line}`)
  return new Reply(Number(match[1]), match[2])
}

const SITE = '[SIM1P100MB0001.SIMP100.PROD.OUTLOOK.EXAMPLE]'

/** Exchange's words. */
const replies = {
  badCredentials: () => new Reply(535, `5.7.3 Authentication unsuccessful ${SITE}`),
  smtpAuthDisabled: () =>
    new Reply(
      535,
      '5.7.139 Authentication unsuccessful, SmtpClientAuthentication is disabled for the Tenant. Visit ' +
        'https://aka.ms/smtp_auth_disabled for more information. ' +
        SITE,
    ),
  basicDisabled: () => new Reply(550, '5.7.30 Basic authentication is not supported for Client Submission.'),
  tooManyConnections: () =>
    new Reply(
      432,
      `4.3.2 Concurrent connections limit exceeded. Visit https://aka.ms/concurrent_sending for more information. ${SITE}`,
    ),
  notYourSender: () => new Reply(550, '5.7.60 SMTP; Client does not have permissions to send as this sender'),
  sendAsDenied: (user, from) =>
    new Reply(
      554,
      `5.2.252 SendAsDenied; ${user} not allowed to send as ${from}; STOREDRV.Submission.Exception:` +
        'SendAsDeniedException.MapiExceptionSendAsDenied; Failed to process message due to a permanent exception.',
    ),
  unknownRecipient: (address) =>
    new Reply(550, `5.1.1 <${address}>: Recipient address rejected: user unknown in this mail world`),
  tooLarge: (limit) => new Reply(552, `5.3.4 Message size exceeds fixed maximum message size of ${limit} bytes`),
}

const OWN_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /

/**
 * Lets a reply that brings its enhanced status keep it, where smtp-server would put its own in front; and replaces the one text that
 * smtp-server does not let its user choose, the one after a refused XOAUTH2.
 *
 * @param {any} connection of smtp-server
 */
function speakExchange(connection) {
  const send = connection.send.bind(connection)
  connection.send = (code, data, context) => {
    if (code === 535 && data === 'Error: Username and Password not accepted') {
      return send(535, replies.badCredentials().message, false)
    }
    if (typeof data === 'string' && OWN_STATUS.test(data)) return send(code, data, false)
    return send(code, data, context)
  }
}

module.exports = { Reply, parseReply, replies, speakExchange }
