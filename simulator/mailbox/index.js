'use strict'

/*
 * The mailboxes of a mail world, and the made-up mail in them. No network here: SMTP delivers into a store, IMAP serves
 * from it.
 */

const { createStore } = require('./store.js')
const { MailboxError } = require('./account.js')
const { layouts } = require('./layouts.js')
const { makeMails, seed } = require('./mails/index.js')

module.exports = { createStore, layouts, makeMails, MailboxError, seed }
