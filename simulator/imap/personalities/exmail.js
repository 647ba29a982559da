'use strict'

const standard = require('./default.js')

/*
 * Tencent Exmail (imap.exmail.qq.com; transcript in MailKit#1241): special uses only by XLIST, and the
 * `<offset.length>` of a partial FETCH is ignored, so a client that asks for the next chunk gets everything again.
 */

/** @type {import('./default.js').Personality} */
const personality = {
  ...standard,
  name: 'exmail',
  layout: 'tencent',
  greeting: 'QQMail IMAP4Server ready',
  capabilities: {
    before: ['IMAP4', 'IMAP4rev1', 'ID', 'AUTH=PLAIN', 'AUTH=LOGIN', 'AUTH=XOAUTH2', 'NAMESPACE'],
    after: [
      'IMAP4',
      'IMAP4rev1',
      'XLIST',
      'MOVE',
      'IDLE',
      'XAPPLEPUSHSERVICE',
      'NAMESPACE',
      'CHILDREN',
      'ID',
      'UIDPLUS',
    ],
  },
  tellsCapabilities: true,
  id: { name: 'QQMail', vendor: 'Tencent' },
  challenge: false,
  ignoresPartial: true,
  codes: ['TRYCREATE', 'READ-ONLY'],
  specialUses: [],
  selectOrder: ['EXISTS', 'RECENT', 'UNSEEN', 'UIDVALIDITY', 'UIDNEXT', 'FLAGS', 'PERMANENTFLAGS'],
  texts: {
    ...standard.texts,
    ok: (command) => `${command} completed`,
    authenticated: () => 'Success login ok',
    refused: () => ({
      text: 'Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited',
      code: null,
    }),
    bye: 'LOGOUT received',
    noMailbox: () => 'Folder not exist!',
    syntax: () => 'Command arguments error',
    unknown: () => 'Invalid command',
    select: {
      PERMANENTFLAGS: 'Permanent flags',
      UNSEEN: '',
      UIDVALIDITY: 'UID validity status',
      UIDNEXT: 'Predicted next UID',
    },
  },
}

module.exports = personality
