import { describe, expect, inject, test } from 'vitest'

import { account } from './backends'
import { Filter } from './sync/filter'
import { Killing } from './sync/killing'
import { RawClient } from './sync/raw-client'

// `npm run test:kill` is the long one: 1,000 kills.

const KILLS = Number(process.env.SYNC_KILLS ?? 20)
const SEED = Number(process.env.SYNC_KILL_SEED ?? 20261122)
const MESSAGES = 20_000
const BATCH_SIZE = 100
/** A minute for the mailbox and the last comparison, and a generous start-up of a process for each kill. */
const TIMEOUT_MS = 120_000 + KILLS * 4_000

const [, dovecot] = inject('backends')
const whenDovecot = dovecot.skipped === null ? describe : describe.skip

whenDovecot(`a syncing process is killed${dovecot.skipped ? ` (${dovecot.skipped})` : ''}`, () => {
  test(
    `${KILLS} times at any instant: of 20,000 messages none is lost, none is stored twice, at most a batch comes again`,
    async () => {
      const { user, password } = account(dovecot, 'killed')
      const { port } = dovecot.imapStarttls
      const filters = await Promise.all([[], ['QRESYNC'], ['QRESYNC', 'CONDSTORE']].map((h) => Filter.start(port, h)))
      const client = await RawClient.open(port, user, password)
      const target = { ports: filters.map((filter) => filter.port), user, password }
      const killing = new Killing(client, target, BATCH_SIZE, SEED)
      try {
        await killing.prepare(MESSAGES)
        const figures = await killing.run(KILLS)
        const bodies = filters.reduce((sum, filter) => sum + filter.bodies, 0)
        console.log(`seed ${SEED}: ${JSON.stringify(figures)}, ${bodies} bodies on the wire`)
        expect(figures.kills).toBeGreaterThanOrEqual(KILLS)
        expect(figures.completions).toBeGreaterThan(0)
        expect(figures.worstAgain).toBeLessThanOrEqual(BATCH_SIZE)
      } finally {
        killing.stop()
        client.close()
        for (const filter of filters) await filter.stop()
      }
    },
    TIMEOUT_MS,
  )
})
