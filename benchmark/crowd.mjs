// Memory of many idle connections in one process.

import { setTimeout as sleep } from 'node:timers/promises'

import { finish, given, send } from './meter.mjs'

/** Connections made at once: a server's listen queue is not what is measured. */
const AT_ONCE = 10
/** Until everything that was only for connecting is let go. */
const SETTLE_MS = 1500

/** `idle(user)` resolves when that account is being watched. The first is not counted: it loads the code. */
export async function measureCrowd(idle) {
  const [first, ...users] = given.users
  await idle(first)
  const before = await settledRss()
  for (let i = 0; i < users.length; i += AT_ONCE) await Promise.all(users.slice(i, i + AT_ONCE).map(idle))
  const after = await settledRss()
  send({ messages: given.users.length, rssMb: after / 2 ** 20, perWatcherKb: (after - before) / 1024 / users.length })
  finish()
  process.exit(0)
}

async function settledRss() {
  await sleep(SETTLE_MS)
  globalThis.gc()
  await sleep(SETTLE_MS / 3)
  globalThis.gc()
  return process.memoryUsage.rss()
}
