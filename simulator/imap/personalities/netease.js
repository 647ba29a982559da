'use strict'

const standard = require('./default.js')

/*
 * 163.com and 126.com (Coremail): SELECT and EXAMINE are refused until the client has said who it is with ID; folder
 * names in Chinese; no IDLE.
 */

const CAPABILITIES = [
  'IMAP4rev1',
  'XLIST',
  'SPECIAL-USE',
  'ID',
  'LITERAL+',
  'XAPPLEPUSHSERVICE',
  'UIDPLUS',
  'X-CM-EXT-1',
  'SASL-IR',
]

/** @type {import('./default.js').Personality} */
const personality = {
  ...standard,
  name: '163',
  layout: 'netease',
  greeting: 'Coremail System IMap Server Ready(163com[726cd87d72d896a1ac393507346040fa])',
  capabilities: { before: [...CAPABILITIES, 'AUTH=PLAIN', 'AUTH=XOAUTH2'], after: CAPABILITIES },
  tellsCapabilities: false,
  id: { name: 'Coremail Imap', vendor: 'Mailtech' },
  challenge: false,
  needsId: true,
  codes: ['TRYCREATE', 'READ-ONLY'],
  keywords: false,
  selectOrder: ['EXISTS', 'RECENT', 'UIDVALIDITY', 'UIDNEXT', 'FLAGS', 'PERMANENTFLAGS'],
  texts: {
    ...standard.texts,
    ok: (command) => `${command} completed`,
    authenticated: (mechanism) => `${mechanism} completed`,
    refused: (mechanism) => ({ text: `${mechanism} Login error or password error`, code: null }),
    bye: 'IMAP4rev1 Server logging out',
    noMailbox: () => 'SELECT Mailbox does not exist',
    syntax: () => 'Parse command error',
    unknown: () => 'command not support',
    select: { PERMANENTFLAGS: 'Limited', UIDVALIDITY: 'UIDs valid', UIDNEXT: 'Predicted next UID' },
  },
}

module.exports = personality
