'use strict'

/** An SMTP reply as an error: what smtp-server sends when a handler fails. */
class Reply extends Error {
  /** @param {number} code @param {string} text with its enhanced status in front */
  constructor(code, text) {
    super(text)
    this.name = 'Reply'
    this.responseCode = code
  }

  /** As `failNext` takes it. */
  get line() {
    return `${this.responseCode} ${this.message}`
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

const SUPPORT = 'https://support.google.example/mail/?p='

/** Gmail's words, where they differ. */
const gmailReplies = {
  ...replies,
  badCredentials: () =>
    new Reply(
      535,
      `5.7.8 Username and Password not accepted. For more information, go to ${SUPPORT}BadCredentials - gsmtp`,
    ),
  tooManyConnections: () => new Reply(421, '4.7.0 Too many login attempts, please try again later. - gsmtp'),
  unknownRecipient: (address) =>
    new Reply(
      550,
      `5.1.1 The email account that you tried to reach does not exist: ${address}. ${SUPPORT}NoSuchUser - gsmtp`,
    ),
  tooLarge: () =>
    new Reply(552, `5.3.4 Your message exceeded Google's message size limits. ${SUPPORT}MaxSizeError - gsmtp`),
}

/** @param {'exchange' | 'gmail'} whose */
function wordsOf(whose) {
  return whose === 'gmail' ? gmailReplies : replies
}

/** What Microsoft 365 says when it has enough; for `failNext`. */
const exchangeRefusals = {
  concurrentConnections: replies.tooManyConnections().line,
  senderThreads: '451 4.3.2 STOREDRV.ClientSubmit; sender thread limit exceeded',
  authDisabled: replies.smtpAuthDisabled().line,
  wrongUser: replies.badCredentials().line,
  sendAsDenied: replies.notYourSender().line,
  basicAuth: replies.basicDisabled().line,
  quotaExceeded:
    '554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due to a permanent exception.',
  mailboxFull:
    '554 5.2.2 mailbox full; STOREDRV.Submission.Exception:QuotaExceededException.MapiExceptionShutoffQuotaExceeded',
}

const OWN_STATUS = /^[245]\.\d{1,3}\.\d{1,3} /

/**
 * Words of a provider: lets a reply that brings its enhanced status keep it, where smtp-server would put its own in front; and replaces the one text that
 * smtp-server does not let its user choose, the one after a refused XOAUTH2.
 *
 * @param {any} connection of smtp-server
 * @param {typeof replies} words
 */
function speak(connection, words) {
  const send = connection.send.bind(connection)
  connection.send = (code, data, context) => {
    if (code === 535 && data === 'Error: Username and Password not accepted') {
      return send(535, words.badCredentials().message, false)
    }
    if (typeof data === 'string' && OWN_STATUS.test(data)) return send(code, data, false)
    return send(code, data, context)
  }
}

module.exports = { Reply, exchangeRefusals, parseReply, speak, wordsOf }
