'use strict'

const { createServer: createTlsServer } = require('node:tls')
const { SMTPServer } = require('smtp-server')
const { listen } = require('../net/listener')
const { createSubmission } = require('./submission')
const { Faults } = require('./faults')
const { personalityOf } = require('./personalities')
const { speak, wordsOf } = require('./replies')
const { Statistics } = require('./statistics')

/**
 * @typedef {object} SmtpOptions
 * @property {{ key: string, cert: string }} tls
 * @property {import('../directory/directory').Directory} directory
 * @property {any} store where mail is delivered
 * @property {(credentials: import('../access').Credentials) => Promise<import('../access').Admitted>} authenticate
 * @property {object[]} outbox takes what is for foreign domains
 * @property {string} [personality] see personalities.js
 * @property {number} [maxMessageBytes]
 * @property {number} [messagesPerWindow] of one mailbox; more are delayed
 * @property {number} [windowMs] default a minute
 * @property {boolean} [basicAuth] whether passwords are accepted at all
 * @property {number} [maxConnectionsPerMailbox] signed in at the same time
 * @property {boolean} [rewriteMessageId] gives messages a Message-ID of its own, as Exchange sometimes does
 * @property {{ starttls?: number, implicit?: number }} [ports]
 *
 * @typedef {Required<Omit<SmtpOptions, 'ports'>>} Settings
 */

/** 150 MB, as Exchange Online announces. */
const MAX_MESSAGE_BYTES = 157_286_400

/**
 * Submission on two ports: STARTTLS (587 elsewhere) and implicit TLS (465 elsewhere).
 *
 * @param {SmtpOptions} options
 */
async function startSmtpServers(options) {
  const personality = personalityOf(options.personality)
  const settings = {
    personality: 'default',
    messagesPerWindow: Infinity,
    windowMs: 60_000,
    maxMessageBytes: MAX_MESSAGE_BYTES,
    basicAuth: true,
    maxConnectionsPerMailbox: Infinity,
    rewriteMessageId: false,
    ...personality.settings,
    ...options,
  }
  const faults = new Faults()
  const statistics = new Statistics()
  const submission = createSubmission(settings, faults, statistics, personality)
  const [starttls, implicit] = await Promise.all([
    startOne(settings, submission, personality, { secure: false, port: options.ports?.starttls }),
    startOne(settings, submission, personality, { secure: true, port: options.ports?.implicit }),
  ])
  return {
    faults,
    settings,
    statistics,
    starttls: starttls.port,
    implicit: implicit.port,
    /** Cuts every connection without a word. */
    disconnect: () => [starttls, implicit].forEach(({ disconnect }) => disconnect()),
    stop: async () => {
      await Promise.all([starttls.stop(), implicit.stop()])
    },
  }
}

class SubmissionServer extends SMTPServer {
  /** Called for each connection before its first word. */
  greet = (_connection) => {}

  connect(socket, socketOptions) {
    super.connect(socket, socketOptions)
    this.greet([...this.connections].at(-1))
  }
}

async function startOne({ tls, maxMessageBytes }, { beforeCommand, ...submission }, personality, { secure, port }) {
  const { hide = [], announcesSize = true } = personality
  const server = new SubmissionServer({
    ...submission,
    ...tls,
    secure,
    size: announcesSize ? maxMessageBytes : undefined,
    name: personality.name,
    banner: personality.banner,
    authMethods: personality.authMethods,
    hideREQUIRETLS: true,
    authRequiredMessage: '5.7.57 Client not authenticated to send mail.',
    ...Object.fromEntries(['ENHANCEDSTATUSCODES', 'DSN'].map((name) => [`hide${name}`, false])),
    ...Object.fromEntries(hide.map((name) => [`hide${name}`, true])),
    disableReverseLookup: true,
    maxAllowedUnauthenticatedCommands: 1000,
    logger: false,
  })
  server.greet = (connection) => {
    speak(connection, wordsOf(personality.words))
    beforeCommand(server, connection)
  }
  // A client that goes away in mid-handshake or mid-sentence is what tests do.
  server.on('error', () => {})
  // Implicit TLS by Node's own server: destroying a socket in mid-handshake, as a stop does, crashes Node under smtp-server's.
  const listening = secure ? createTlsServer(tls, (socket) => server.connect(socket)) : server.server
  const listener = await listen(listening, { port })
  const disconnect = () => server.connections.forEach((connection) => connection._socket?.destroy())
  return { port: listener.port, stop: listener.stop, disconnect }
}

module.exports = { startSmtpServers }
