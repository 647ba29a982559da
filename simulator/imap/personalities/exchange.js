'use strict'

const standard = require('./default.js')

/*
 * Exchange Online (outlook.office365.com), as public transcripts show it (MailKit#1282 and others): few extensions,
 * special-use attributes although SPECIAL-USE is not advertised, ASCII-only SEARCH, lines of 10 kB at most, no challenge
 * for a refused token, BYE when the token expires.
 */

/** The shard's name in UTF-16, base64, is what Exchange puts behind its greeting. */
const SHARD = Buffer.from('SIM1P100MB0001.SIMP100.PROD.OUTLOOK.EXAMPLE', 'utf16le').toString('base64')

const BOTH = ['SASL-IR', 'UIDPLUS']
const REST = ['CHILDREN', 'IDLE', 'NAMESPACE', 'LITERAL+']

const FAILURES = { AUTHENTICATE: 'AUTHENTICATE failed.', LOGIN: 'LOGIN failed.' }

/** @type {import('./default.js').Personality} */
const personality = {
  ...standard,
  name: 'exchange',
  layout: 'exchange',
  greeting: `The Microsoft Exchange IMAP4 service is ready. [${SHARD}]`,
  capabilities: {
    before: ['IMAP4', 'IMAP4rev1', 'AUTH=PLAIN', 'AUTH=XOAUTH2', ...BOTH, 'ID', 'UNSELECT', ...REST],
    after: [
      ...['IMAP4', 'IMAP4rev1', 'AUTH=PLAIN', 'AUTH=XOAUTH2', ...BOTH, 'MOVE', 'ID', 'UNSELECT', 'CLIENTACCESSRULES'],
      ...['CLIENTNETWORKPRESENCELOCATION', 'BACKENDAUTHENTICATE', ...REST],
    ],
  },
  tellsCapabilities: false,
  id: { name: 'Microsoft.Exchange.Imap4.Imap4Server', version: '15.20' },
  challenge: false,
  fetchOrder: ['ENVELOPE', 'BODYSTRUCTURE', 'FLAGS', 'INTERNALDATE', 'RFC822.SIZE', 'UID'],
  existsBeforeIdle: true,
  maxLine: 10_240,
  charsets: ['US-ASCII'],
  codes: ['TRYCREATE', 'BADCHARSET', 'READ-ONLY'],
  flags: ['\\Seen', '\\Answered', '\\Flagged', '\\Deleted', '\\Draft', '$MDNSent'],
  keywords: false,
  specialUses: ['\\Drafts', '\\Junk', '\\Sent', '\\Trash'],
  marked: true,
  plainNames: true,
  selectOrder: ['EXISTS', 'RECENT', 'FLAGS', 'PERMANENTFLAGS', 'UNSEEN', 'UIDVALIDITY', 'UIDNEXT'],
  texts: {
    ok: (command) => `${command} completed.`,
    authenticated: (mechanism) => `${mechanism} completed.`,
    refused: (mechanism) => ({ text: FAILURES[mechanism === 'LOGIN' ? 'LOGIN' : 'AUTHENTICATE'], code: null }),
    idle: 'IDLE accepted, awaiting DONE command.',
    bye: 'Microsoft Exchange Server IMAP4 server signing off.',
    noMailbox: (path) => `${path} doesn't exist.`,
    syntax: () => 'Command Argument Error. 11',
    unknown: () => 'Command Error. 12',
    state: 'Command received in Invalid state.',
    tooLong: 'Command Error. 10',
    expired: 'Session invalidated - AccessTokenExpired',
    select: {
      PERMANENTFLAGS: 'Permanent flags',
      UNSEEN: 'Is the first unseen message',
      UIDVALIDITY: 'UIDVALIDITY value',
      UIDNEXT: 'The next unique identifier value',
    },
  },
}

module.exports = personality
