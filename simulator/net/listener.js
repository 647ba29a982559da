'use strict'

/** @typedef {{ port: number, stop: () => Promise<void> }} Listener */

/**
 * Binds a server to loopback and remembers its sockets, so that stopping it takes no longer than destroying them.
 *
 * @param {import('node:net').Server} server
 * @param {{ host?: string, port?: number }} [options] port 0 (the default) takes any free one
 * @returns {Promise<Listener>}
 */
async function listen(server, { host = '127.0.0.1', port = 0 } = {}) {
  const sockets = new Set()
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  await new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.removeListener('error', reject)
      resolve(undefined)
    })
  })
  /** @returns {Promise<void>} */
  const stop = () =>
    new Promise((resolve) => {
      if (!server.listening) return resolve()
      server.close(() => resolve())
      for (const socket of sockets) socket.destroy()
    })
  return { port: /** @type {import('node:net').AddressInfo} */ (server.address()).port, stop }
}

module.exports = { listen }
