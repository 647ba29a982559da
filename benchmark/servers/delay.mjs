// A link with a round trip of `rttMs` and no limit of bandwidth, before a server on loopback. It counts flights: runs of
// bytes from the client that follow something the server said.

import { connect, createServer } from 'node:net'

import { given, serve } from './serve.mjs'

const { target, rttMs } = given
let flights = 0

const server = createServer({ noDelay: true }, (client) => {
  let spoke = 'server'
  // A real connection's first byte could leave one round trip after SYN; the accept here took none.
  const established = performance.now() + rttMs
  const upstream = connect({ host: target.host, port: target.port, noDelay: true })
  const toServer = delayed(upstream, () => Math.max(performance.now(), established))
  const toClient = delayed(client, () => Math.max(performance.now(), established + rttMs / 2))
  client.on('data', (bytes) => {
    if (spoke !== 'client') flights += 1
    spoke = 'client'
    toServer(bytes)
  })
  upstream.on('data', (bytes) => {
    spoke = 'server'
    toClient(bytes)
  })
  client.on('end', () => toServer(null))
  upstream.on('end', () => toClient(null))
  client.on('error', () => upstream.destroy())
  upstream.on('error', () => client.destroy())
})

/** Writes each chunk half a round trip after it left. `null` ends. */
function delayed(socket, leaves) {
  const queue = []
  let timer = null
  return (bytes) => {
    queue.push([leaves() + rttMs / 2, bytes])
    if (timer === null) schedule()
  }
  function schedule() {
    timer = setTimeout(deliver, Math.max(0, queue[0][0] - performance.now()))
  }
  function deliver() {
    timer = null
    const now = performance.now()
    while (queue.length > 0 && queue[0][0] <= now + 0.5) {
      const [, bytes] = queue.shift()
      if (bytes === null) socket.end()
      else if (!socket.destroyed) socket.write(bytes)
    }
    if (queue.length > 0) schedule()
  }
}

server.listen(0, 'localhost', () => {
  serve(
    { host: 'localhost', port: server.address().port },
    {
      /** What there was since the last question. */
      answer() {
        const counted = { flights }
        flights = 0
        return counted
      },
    },
  )
})
