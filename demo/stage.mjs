// Where the demo plays: the embedded mail world, or a real Microsoft tenant. Both give the same few things.

import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { Worker } from 'node:worker_threads'

const require = createRequire(import.meta.url)
const { microsoft } = require('../index.js')

/** The embedded mail world: everything on loopback, made up, gone afterwards. On a thread of its own: what is measured here is the addon. */
export async function simulatedStage() {
  const world = await worldOnThread()
  const provider = microsoft(world.microsoft)
  return {
    provider,
    world,
    // On this machine, whatever the environment says of the way out.
    connect: { ca: world.ca, proxy: null },
    redirectUri: world.client.redirectUri,
    /** Does what a person does in the browser, and gives the address the browser ends on. */
    signIn: (url) => world.signIn(url, world.accounts[0]),
    stop: () => world.stop(),
  }
}

/** The world's data, and its functions as promises. */
async function worldOnThread() {
  const worker = new Worker(new URL('world.mjs', import.meta.url))
  const waiting = new Map()
  let calls = 0
  const call = (name, ...args) =>
    new Promise((resolve, reject) => {
      waiting.set(++calls, { resolve, reject })
      worker.postMessage({ id: calls, name, args })
    })
  const data = await new Promise((resolve, reject) => {
    worker.once('error', reject)
    worker.on('message', ({ id, ready, value, error }) => {
      if (ready) resolve(ready)
      else if (error) waiting.get(id).reject(new Error(error))
      else waiting.get(id).resolve(value)
    })
  })
  return {
    ...data,
    signIn: (...args) => call('signIn', ...args),
    issueToken: (...args) => call('issueToken', ...args),
    stop: () => call('stop').then(() => worker.terminate()),
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
