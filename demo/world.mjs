// The embedded mail world on a thread: its data once, its functions by message.

import { createRequire } from 'node:module'
import { parentPort } from 'node:worker_threads'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const world = await startMailWorld()
const { ca, microsoft, client, accounts } = world
const { host, port, tls } = world.imap
const people = accounts.map(({ user, name, password }) => ({ user, name, password }))
parentPort.postMessage({ ready: { ca, microsoft, client, accounts: people, imap: { host, port, tls } } })

parentPort.on('message', async ({ id, name, args }) => {
  try {
    parentPort.postMessage({ id, value: await world[name](...args) })
  } catch (error) {
    parentPort.postMessage({ id, error: error.message })
  }
})
