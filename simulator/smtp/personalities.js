'use strict'

/**
 * @typedef {object} Personality
 * @property {string} name how the server calls itself
 * @property {string} banner
 * @property {string[]} authMethods
 * @property {string[]} [hide] extensions that are not offered
 * @property {boolean} [announcesSize] SIZE
 * @property {boolean} [strict] refuses messages that RFC 5321 and 5322 do not allow
 * @property {'exchange' | 'gmail'} words whose texts
 * @property {Partial<import('./server').Settings>} [settings]
 */

const EXCHANGE = { name: 'smtp.office365.example', banner: 'Microsoft ESMTP MAIL Service, simulated' }
const EVERYTHING = ['PIPELINING', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'DSN']

/** @type {Record<string, Personality>} */
const personalities = {
  /** Exchange's words, everything on, no limits. */
  default: { ...EXCHANGE, words: 'exchange', authMethods: ['LOGIN', 'XOAUTH2', 'PLAIN'] },
  /** With its limits: 3 connections, 30 messages a minute, more of which are delayed. */
  exchange: {
    ...EXCHANGE,
    words: 'exchange',
    authMethods: ['LOGIN', 'XOAUTH2'],
    settings: { maxConnectionsPerMailbox: 3, messagesPerWindow: 30 },
  },
  gmail: {
    name: 'smtp.gmail.example',
    banner: 'simulated - gsmtp',
    words: 'gmail',
    authMethods: ['LOGIN', 'PLAIN', 'XOAUTH2'],
    hide: ['DSN'],
    settings: { maxMessageBytes: 35_882_577 },
  },
  /** By the book, and slow: one command at a time, nothing in a message that RFC 5322 does not allow. */
  strict: {
    name: 'mail.strict.example',
    banner: 'strict',
    words: 'exchange',
    authMethods: ['PLAIN', 'XOAUTH2'],
    hide: ['PIPELINING', 'SMTPUTF8'],
    strict: true,
  },
  /** RFC 821 with TLS and a sign-in, and no other extension. */
  plain: {
    name: 'mail.plain.example',
    banner: 'plain',
    words: 'exchange',
    authMethods: ['LOGIN', 'XOAUTH2'],
    hide: EVERYTHING,
    announcesSize: false,
  },
}

/** @param {string} [name] */
function personalityOf(name = 'default') {
  const personality = personalities[name]
  if (!personality) throw new TypeError(`Unknown SMTP personality: ${name}`)
  return personality
}

module.exports = { personalities, personalityOf }
