'use strict'

/*
 * A fair server with everything on, in the manner of Dovecot: what a client can rely on where the RFCs are kept.
 * The other personalities say only where they differ from this one.
 */

/**
 * @typedef {object} Personality
 * @property {string} name
 * @property {string} layout the mailboxes of its accounts (mailbox/layouts.js)
 * @property {string} greeting text of the first OK
 * @property {{ before: string[], after: string[] }} capabilities before and after login; STARTTLS comes by itself
 * @property {boolean} tellsCapabilities in the greeting and in the OK of a login
 * @property {Record<string, string> | null} id answer to ID
 * @property {boolean} challenge whether a refused token gets the JSON challenge of XOAUTH2 before its NO
 * @property {boolean} needsId SELECT is refused until the client has sent ID
 * @property {boolean} ignoresPartial `<offset.length>` of a FETCH has no effect
 * @property {string[] | null} fetchOrder items that come first in a FETCH response; null: as asked
 * @property {boolean} existsBeforeIdle pending EXISTS come before the "+" of IDLE
 * @property {boolean} labels X-GM-* items
 * @property {number} maxLine commands beyond it are BAD
 * @property {string[]} charsets for SEARCH
 * @property {string[] | null} codes the response codes of refusals (RFC 5530) that it knows; null: all
 * @property {string[]} flags of SELECT
 * @property {boolean} keywords whether clients may make keywords (`\*`)
 * @property {string[]} specialUses the attributes LIST shows
 * @property {boolean} marked LIST shows \Marked for mailboxes with unseen mail
 * @property {boolean} plainNames LIST sends names as atoms where it can, and `Inbox`
 * @property {string[]} selectOrder the order of SELECT's untagged data
 * @property {Texts} texts
 */

/**
 * @typedef {object} Texts
 * @property {(command: string) => string} ok
 * @property {(mechanism: string) => string} authenticated
 * @property {(mechanism: string) => { text: string, code: string | null }} refused
 * @property {string} idle
 * @property {string} bye
 * @property {(path: string) => string} noMailbox
 * @property {(reason: string) => string} syntax
 * @property {(command: string) => string} unknown
 * @property {string} state
 * @property {string} tooLong
 * @property {string} expired
 * @property {Record<string, string>} select texts behind SELECT's response codes
 */

const EVERYTHING = [
  'IMAP4rev1',
  'SASL-IR',
  'LITERAL+',
  'ID',
  'ENABLE',
  'IDLE',
  'NAMESPACE',
  'CHILDREN',
  'UNSELECT',
  'UIDPLUS',
  'MOVE',
  'LIST-EXTENDED',
  'LIST-STATUS',
  'SPECIAL-USE',
  'CREATE-SPECIAL-USE',
  'ESEARCH',
  'SEARCHRES',
  'WITHIN',
  'CONDSTORE',
  'QRESYNC',
  'STATUS=SIZE',
  'OBJECTID',
  'BINARY',
  'UTF8=ACCEPT',
  'QUOTA',
  'QUOTA=RES-STORAGE',
  'APPENDLIMIT=157286400',
  'COMPRESS=DEFLATE',
]

/** @type {Personality} */
const personality = {
  name: 'default',
  layout: 'outlook',
  greeting: 'Mail world ready.',
  capabilities: {
    before: [
      'IMAP4rev1',
      'SASL-IR',
      'LITERAL+',
      'ID',
      'ENABLE',
      'IDLE',
      'AUTH=PLAIN',
      'AUTH=LOGIN',
      'AUTH=XOAUTH2',
      'AUTH=OAUTHBEARER',
    ],
    after: EVERYTHING,
  },
  tellsCapabilities: true,
  id: { name: 'Mail world', vendor: 'NocoBase' },
  challenge: true,
  needsId: false,
  ignoresPartial: false,
  fetchOrder: null,
  existsBeforeIdle: false,
  labels: false,
  maxLine: 64 * 1024,
  charsets: ['US-ASCII', 'UTF-8'],
  codes: null,
  flags: ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft'],
  keywords: true,
  specialUses: ['\\All', '\\Archive', '\\Drafts', '\\Flagged', '\\Important', '\\Junk', '\\Sent', '\\Trash'],
  marked: false,
  plainNames: false,
  selectOrder: [
    'FLAGS',
    'PERMANENTFLAGS',
    'EXISTS',
    'RECENT',
    'UNSEEN',
    'UIDVALIDITY',
    'UIDNEXT',
    'HIGHESTMODSEQ',
    'MAILBOXID',
  ],
  texts: {
    ok: (command) => `${command[0]}${command.slice(1).toLowerCase()} completed.`,
    authenticated: () => 'Logged in',
    refused: () => ({ text: 'Authentication failed.', code: 'AUTHENTICATIONFAILED' }),
    idle: 'idling',
    bye: 'Logging out',
    noMailbox: (path) => `Mailbox doesn't exist: ${path}`,
    syntax: (reason) => `Error in IMAP command: ${reason}`,
    unknown: (command) => `Unknown command ${command}`,
    state: 'Command not allowed in this state',
    tooLong: 'Too long command line',
    expired: 'Session expired, please login again.',
    select: {
      PERMANENTFLAGS: 'Flags permitted.',
      UNSEEN: 'First unseen.',
      UIDVALIDITY: 'UIDs valid',
      UIDNEXT: 'Predicted next UID',
      HIGHESTMODSEQ: 'Highest',
      MAILBOXID: 'Ok',
    },
  },
}

module.exports = personality
