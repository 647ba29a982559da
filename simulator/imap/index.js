'use strict'

/*
 * IMAP4rev1 over a store of mailboxes, for tests: fair to the RFCs as `default`, and with the manners of big providers
 * as one of the other personalities.
 */

const { personalities } = require('./personalities/index.js')
const { startImapServer } = require('./server.js')

module.exports = { personalities, startImapServer }
