'use strict'

/*
 * The public face: see index.d.ts. CommonJS, at the root, every file reached by a static require, so that bundlers of
 * plugin archives find all of it.
 */

const { diagnose } = require('./lib/diagnose.js')
const { MailError } = require('./lib/error.js')
const { ImapClient } = require('./lib/imap.js')
const { setLogger } = require('./lib/log.js')
const { buildMessage, forward, parseMessage, replyTo } = require('./lib/mime.js')
const oauth = require('./lib/oauth.js')
const { SmtpClient } = require('./lib/smtp.js')

module.exports.MailError = MailError
module.exports.OAuthProvider = oauth.OAuthProvider
module.exports.OAuthClient = oauth.OAuthClient
module.exports.TokenSource = oauth.TokenSource
module.exports.microsoft = oauth.microsoft
module.exports.google = oauth.google
module.exports.discoverProvider = oauth.discoverProvider
module.exports.ImapClient = ImapClient
module.exports.SmtpClient = SmtpClient
module.exports.parseMessage = parseMessage
module.exports.buildMessage = buildMessage
module.exports.replyTo = replyTo
module.exports.forward = forward
module.exports.diagnose = diagnose
module.exports.setLogger = setLogger
