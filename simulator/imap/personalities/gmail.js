'use strict'

const standard = require('./default.js')

/*
 * Gmail: labels as mailboxes with one identity per message (X-GM-MSGID, X-GM-THRID), CONDSTORE but no QRESYNC, the
 * JSON challenge for a refused token.
 */

const BEFORE = ['UNSELECT', 'IDLE', 'NAMESPACE', 'QUOTA', 'ID', 'XLIST', 'CHILDREN', 'X-GM-EXT-1']

/** @type {import('./default.js').Personality} */
const personality = {
  ...standard,
  name: 'gmail',
  layout: 'gmail',
  greeting: 'Gimap ready for requests from 127.0.0.1 s1mul4t0r',
  capabilities: {
    before: [
      'IMAP4rev1',
      ...BEFORE,
      'XYZZY',
      'SASL-IR',
      'AUTH=XOAUTH2',
      'AUTH=PLAIN',
      'AUTH=PLAIN-CLIENTTOKEN',
      'AUTH=OAUTHBEARER',
    ],
    after: [
      ...[
        'IMAP4rev1',
        ...BEFORE,
        'UIDPLUS',
        'COMPRESS=DEFLATE',
        'ENABLE',
        'MOVE',
        'CONDSTORE',
        'ESEARCH',
        'UTF8=ACCEPT',
      ],
      ...['LIST-EXTENDED', 'LIST-STATUS', 'LITERAL-', 'SPECIAL-USE', 'APPENDLIMIT=35651584'],
    ],
  },
  tellsCapabilities: false,
  id: { name: 'GImap', vendor: 'Google, Inc.', 'support-url': 'https://support.google.com/mail' },
  labels: true,
  flags: ['\\Answered', '\\Flagged', '\\Draft', '\\Deleted', '\\Seen', '$NotPhishing', '$Phishing'],
  selectOrder: ['FLAGS', 'PERMANENTFLAGS', 'UIDVALIDITY', 'EXISTS', 'RECENT', 'UIDNEXT', 'HIGHESTMODSEQ'],
  texts: {
    ...standard.texts,
    ok: (command) => `${command} completed (Success)`,
    authenticated: () => 'authenticated (Success)',
    refused: () => ({ text: 'Invalid credentials (Failure)', code: 'AUTHENTICATIONFAILED' }),
    bye: 'LOGOUT Requested',
    noMailbox: (path) => `Unknown Mailbox: ${path} (Failure)`,
    syntax: () => 'Could not parse command',
    unknown: () => 'Unknown command s1mul4t0r',
    expired: 'Session expired, please login again.',
    select: {
      PERMANENTFLAGS: 'Flags permitted.',
      UIDVALIDITY: 'UIDs valid.',
      UIDNEXT: 'Predicted next UID.',
      HIGHESTMODSEQ: '',
    },
  },
}

module.exports = personality
