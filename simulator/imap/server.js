'use strict'

const net = require('node:net')
const tls = require('node:tls')
const { listen } = require('../net/listener')
const { Faults } = require('./faults.js')
const { personalityOf } = require('./personalities/index.js')
const { Session } = require('./session.js')

/*
 * The listening side: one session per connection, faults for all of them, a clean stop.
 */

/**
 * @typedef {object} Credentials
 * @property {string} mechanism PLAIN, LOGIN (also for the LOGIN command), XOAUTH2 or OAUTHBEARER
 * @property {string | null} user null where OAUTHBEARER leaves it to the token
 * @property {string | null} password
 * @property {string | null} token
 */

/**
 * @callback Authenticate resolves to the account to open; an error's `challenge`, `text` and `tagged` shape the refusal
 * @param {Credentials} credentials
 * @returns {Promise<{ user: string, expiresAt?: number | Date | null }>}
 */

/**
 * @typedef {object} ImapServerOptions
 * @property {import('../mailbox/store.js').Store} store
 * @property {{ key: string, cert: string } | null} [tls] null: clear text, for loopback tests
 * @property {string} [host]
 * @property {number} [port] 0 = a free one
 * @property {boolean} [startTls] clear at first, STARTTLS offered, login only behind it
 * @property {Authenticate} authenticate
 * @property {string | import('./personalities/default.js').Personality} [personality]
 * @property {((entry: { session: number, from: 'client' | 'server', line: string }) => void) | null} [log] secrets left out
 */

/**
 * @param {ImapServerOptions} options
 */
async function startImapServer({
  store,
  tls: credentials = null,
  host = '127.0.0.1',
  port = 0,
  startTls = false,
  authenticate,
  personality = 'default',
  log = null,
}) {
  const faults = new Faults()
  const context = credentials === null ? null : tls.createSecureContext(credentials)
  /** @type {Set<Session>} */
  const sessions = new Set()
  const shared = { store, context, startTls, authenticate, faults, log, personality: personalityOf(personality) }
  const implicit = context !== null && !startTls
  let serial = 0

  /** @param {net.Socket} socket */
  const accept = (socket) => {
    socket.setNoDelay(true)
    const session = new Session(shared, socket, { serial: ++serial, secure: implicit })
    sessions.add(session)
    session.run().finally(() => sessions.delete(session))
  }
  const server = implicit ? tls.createServer({ ...credentials }, accept) : net.createServer(accept)
  const listener = await listen(server, { host, port })

  return {
    host,
    port: listener.port,
    personality: shared.personality.name,
    faults,
    /** Who is connected now. */
    sessions: () => [...sessions].map((session) => session.describe()),
    /** How many connections there have been. */
    connections: () => serial,
    /**
     * Ends sessions as a server does at the expiry of their token: `BYE`, between two messages of a running FETCH if
     * need be. Without `bye` the connection just closes.
     *
     * @param {{ user?: string, bye?: boolean }} [options]
     */
    expire({ user, bye = true } = {}) {
      for (const session of chosen(sessions, user)) session.kill(bye ? shared.personality.texts.expired : null)
    },
    /**
     * Cuts connections at once, without a word.
     *
     * @param {{ user?: string }} [options]
     */
    disconnect({ user } = {}) {
      for (const session of chosen(sessions, user)) session.destroy()
    },
    /** Stops listening and cuts what is connected. */
    async stop() {
      for (const session of sessions) session.destroy()
      await listener.stop()
    },
  }
}

/**
 * @param {Set<Session>} sessions
 * @param {string | undefined} user
 */
function chosen(sessions, user) {
  return [...sessions].filter((session) => user === undefined || session.account?.user === user.toLowerCase())
}

module.exports = { startImapServer }
