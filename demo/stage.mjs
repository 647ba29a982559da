// Where the demo plays: the embedded mail world, or a real Microsoft tenant. Both give the same few things.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)
const { microsoft } = require('../index.js')

/** The embedded mail world: everything on loopback, made up, gone afterwards. */
export async function simulatedStage() {
  const { startMailWorld } = require('@nocobase/email-native-simulator')
  const world = await startMailWorld()
  const provider = microsoft(world.microsoft)
  return {
    provider,
    world,
    connect: { ca: world.ca },
    redirectUri: world.client.redirectUri,
    /** Does what a person does in the browser, and gives the address the browser ends on. */
    signIn: (url) => world.signIn(url, world.accounts[0]),
    stop: () => world.stop(),
  }
}

/** A real tenant: the person signs in with a browser, which is sent back to a page of this process. */
export async function microsoftStage({ clientId, clientSecret, tenant, port }) {
  const redirectUri = `http://localhost:${port}/callback`
  return {
    provider: microsoft({ clientId, clientSecret, tenant }),
    world: null,
    connect: {},
    redirectUri,
    signIn: () => callbackAt(redirectUri, port),
    stop: async () => {},
  }
}

/** The first request to the redirect URI, answered with a sentence. */
function callbackAt(redirectUri, port) {
  return new Promise((resolve, reject) => {
    const server = createServer((request, response) => {
      const url = new URL(request.url, redirectUri)
      if (url.pathname !== '/callback') return response.writeHead(404).end()
      response.writeHead(200, { 'content-type': 'text/html; charset=utf-8', connection: 'close' })
      response.end('<p>Signed in. You can close this page and go back to the terminal.</p>')
      server.close()
      resolve(url.href)
    })
    server.once('error', reject)
    server.listen(port, 'localhost')
  })
}

