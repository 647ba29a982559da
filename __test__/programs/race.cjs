'use strict'

// One of two processes that share a mailbox's row: for each round it renews the row's token, when the parent says so.

const { mkdirSync, readFileSync, renameSync, rmdirSync, writeFileSync } = require('node:fs')
const { setTimeout: sleep } = require('node:timers/promises')

const { microsoft, OAuthClient } = require('../../index.js')

const { provider, ca } = JSON.parse(process.argv[2])
const client = new OAuthClient(microsoft(provider), { ca })

process.on('message', async ({ row, locked, slowMs }) => {
  try {
    const source = client.tokenSource({
      tokens: read(row),
      load: async () => read(row),
      save: async (next) => {
        // A database on the other side of a network.
        await sleep(slowMs)
        write(row, next)
      },
    })
    const renew = () => source.accessToken({ timeoutMs: 60_000 })
    const accessToken = await (locked ? runExclusive(row, renew) : renew())
    process.send({ accessToken, refreshToken: source.current().refreshToken })
  } catch (error) {
    process.send({ error: `${error.code}: ${error.message}` })
  }
})

function read(row) {
  return JSON.parse(readFileSync(row, 'utf8'))
}

/** Whole or not at all, as a row is. */
function write(row, tokens) {
  const temporary = `${row}.${process.pid}`
  writeFileSync(temporary, JSON.stringify(tokens))
  renameSync(temporary, row)
}

/** As a host's lock between processes: one at a time, the others wait. */
async function runExclusive(row, work) {
  const lock = `${row}.lock`
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch {
      await sleep(5)
    }
  }
  try {
    return await work()
  } finally {
    rmdirSync(lock)
  }
}
