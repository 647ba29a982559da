import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { ImapClient } from '../index'
import { account, onReal } from './backends'
import { Filter } from './sync/filter'
import { type Figures, Model } from './sync/model'
import { PASSWORD, startPlainServer } from './sync/plain-server'
import { RawClient } from './sync/raw-client'

// Longer and otherwise on demand: SYNC_MODEL_OPS=200000 SYNC_MODEL_SEED=7 npx vitest run __test__/sync-model.test.ts

const OPERATIONS = Number(process.env.SYNC_MODEL_OPS ?? 10_000)
const SEED = Number(process.env.SYNC_MODEL_SEED ?? 20261122)
/** Cyrus is slower, and in these already everything happens several times. */
const CYRUS_OPERATIONS = OPERATIONS / 10
/** Operations between two comparisons with the server. */
const PER_ROUND = 250
/** A minute for 10,000 operations on a busy machine with two cores. */
const TIMEOUT_MS = 60_000 + OPERATIONS * 12

const PATHS = ['Model', 'Other and more']

interface Target {
  port: number
  user: string
  password: string
  keywords: boolean
}

/** The tested client goes to `port`, the colleague and the reader straight to the server. */
async function run(through: number, target: Target, operations = OPERATIONS): Promise<Figures> {
  const { port, user, password, keywords } = target
  const options = { host: '127.0.0.1', port: through, tls: 'none' as const, auth: { user, password } }
  const client = await ImapClient.connect(options)
  const raw = [await RawClient.open(port, user, password), await RawClient.open(port, user, password)]
  try {
    const sync = client.sync.bind(client)
    const figures = await new Model(sync, raw[0], raw[1], SEED, PATHS, keywords).run(operations, PER_ROUND)
    console.log(`seed ${SEED}: ${JSON.stringify(figures)}`)
    return figures
  } finally {
    for (const each of raw) each.close()
    await client.logout()
  }
}

/** That the run was one: everything that can happen has happened. */
function expectWorked({ operations, quiescences, syncs, rebuilt, resets }: Figures, wanted = OPERATIONS): void {
  expect(operations).toBeGreaterThanOrEqual(wanted)
  expect(quiescences).toBeGreaterThanOrEqual((wanted / PER_ROUND) * PATHS.length - PATHS.length)
  expect(Math.min(...Object.values(syncs))).toBeGreaterThan(0)
  expect(rebuilt).toBeGreaterThan(0)
  expect(resets).toBeGreaterThan(0)
}

onReal('random changes during syncs', (backend) => {
  test.each([
    ['as it is', 'model-qresync', []],
    ['with QRESYNC hidden', 'model-condstore', ['QRESYNC']],
    ['with CONDSTORE and QRESYNC hidden', 'model-plain', ['QRESYNC', 'CONDSTORE']],
  ])(
    '%s: nothing is lost, nothing comes twice',
    async (_how, name, hidden) => {
      const { user, password } = account(backend, name)
      const { port } = backend.imapStarttls
      const filter = await Filter.start(port, hidden)
      try {
        const target = { port, user, password, keywords: true }
        const operations = backend.name === 'Cyrus' ? CYRUS_OPERATIONS : OPERATIONS
        expectWorked(await run(filter.port, target, operations), operations)
        expect(filter.trespasses).toEqual([])
      } finally {
        await filter.stop()
      }
    },
    TIMEOUT_MS,
  )
})

describe.each(['exchange', 'default', 'gmail'])('random changes during syncs on the simulator as %s', (personality) => {
  let server: Awaited<ReturnType<typeof startPlainServer>>
  beforeAll(async () => {
    server = await startPlainServer(personality)
  })
  afterAll(() => server.stop())

  test(
    'nothing is lost, nothing comes twice',
    async () => {
      const target = { port: server.port, user: 'model@contoso.example', password: PASSWORD }
      expectWorked(await run(server.port, { ...target, keywords: personality !== 'exchange' }))
    },
    TIMEOUT_MS,
  )
})
