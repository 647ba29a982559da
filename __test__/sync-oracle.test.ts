import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { Model, type Syncing } from './sync/model'
import { PASSWORD, startPlainServer } from './sync/plain-server'
import { RawClient } from './sync/raw-client'
import { FLAWS, reference } from './sync/reference'

/** Enough for every flaw to show: the rarest, a rebuilt mailbox, comes about every 50 operations. */
const OPERATIONS = 1_500
const PER_ROUND = 100

describe('the oracle of the sync tests', () => {
  let server: Awaited<ReturnType<typeof startPlainServer>>
  const clients: RawClient[] = []

  beforeAll(async () => {
    server = await startPlainServer('exchange')
  })
  afterAll(async () => {
    for (const client of clients) client.close()
    await server.stop()
  })

  async function open(user: string) {
    const client = await RawClient.open(server.port, user, PASSWORD)
    clients.push(client)
    return client
  }

  async function run(user: string, syncing: (open: () => Promise<RawClient>) => Syncing, seed: number) {
    const sync = syncing(() => open(user))
    const model = new Model(sync, await open(user), await open(user), seed, ['Model', 'Other'], false)
    return model.run(OPERATIONS, PER_ROUND)
  }

  test('a right engine passes', async () => {
    const figures = await run('right@contoso.example', (connect) => reference(connect), 1)
    expect(figures.operations).toBeGreaterThanOrEqual(OPERATIONS)
    expect(figures.quiescences).toBeGreaterThanOrEqual((2 * OPERATIONS) / PER_ROUND - 2)
    expect(Math.min(...Object.values(figures.syncs))).toBeGreaterThan(0)
    expect(figures.rebuilt).toBeGreaterThan(0)
    expect(figures.resets).toBeGreaterThan(0)
  })

  test.each(FLAWS)('an engine that %s is caught', async (flaw) => {
    const user = `${flaw.replaceAll(' ', '-')}@contoso.example`
    await expect(run(user, (connect) => reference(connect, flaw), 2)).rejects.toThrow(/Model|Other/)
  })
})
