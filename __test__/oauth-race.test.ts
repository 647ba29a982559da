import { fork } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'

import { microsoft, OAuthClient } from '../index'
import type { TokenSet } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

/** `RACES=200 npx vitest run __test__/oauth-race.test.ts` is the full proof; fewer show a broken protocol as well. */
const RACES = Number(process.env.RACES ?? 20)

interface Outcome {
  accessToken?: string
  refreshToken?: string
  error?: string
}

describe('a refresh token that dies when it is used', () => {
  let world: MailWorld
  let folder: string
  let racers: ChildProcess[]

  beforeAll(async () => {
    world = await startMailWorld({ seed: 0, imap: false, smtp: false })
    world.oauth.rotation = 'revoke'
    folder = mkdtempSync(join(tmpdir(), 'race-'))
    const given = JSON.stringify({ provider: world.microsoft, ca: world.ca })
    const program = join(__dirname, 'programs', 'race.cjs')
    racers = [0, 1].map(() => fork(program, [given]))
  })
  afterAll(async () => {
    for (const racer of racers ?? []) racer.disconnect()
    rmSync(folder, { recursive: true, force: true })
    await world?.stop()
  })
  beforeEach(() => {
    world.oauth.requests.length = 0
  })

  async function expired(): Promise<TokenSet> {
    const tokens = await world.issueTokens(world.accounts[0].user)
    return { ...tokens, expiresAt: new Date(Date.now() - 1000).toISOString() }
  }

  test.each([
    ['behind the host’s lock', true],
    ['without a lock, by load and save alone', false],
  ])(
    `two processes that race for it both go on, in ${RACES} of ${RACES} runs: %s`,
    async (_how, locked) => {
      const client = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
      let live = 0
      for (let round = 0; round < RACES; round++) {
        const row = join(folder, `row-${locked}-${round}.json`)
        const before = await expired()
        writeFileSync(row, JSON.stringify(before))
        const order = { row, locked, slowMs: (round * 7) % 40 }
        const outcomes = await Promise.all(racers.map((racer) => ask(racer, order)))
        const stored: TokenSet = JSON.parse(readFileSync(row, 'utf8'))
        for (const { accessToken, refreshToken, error } of outcomes) {
          expect(error, `round ${round}`).toBeUndefined()
          expect(accessToken, `round ${round}`).not.toBe(before.accessToken)
          // What each goes on with is what is stored, and it is alive.
          expect(refreshToken, `round ${round}`).toBe(stored.refreshToken)
        }
        const next = await client.refresh(stored.refreshToken!)
        expect(next.refreshToken).not.toBe(stored.refreshToken)
        live += 1
      }
      expect(live).toBe(RACES)
      // Two tried at once: without the second's refusal nothing was raced for.
      const asked = world.oauth.requests.filter(({ endpoint }) => endpoint === 'token').length - RACES
      if (locked) expect(asked).toBe(RACES)
      else expect(asked).toBeGreaterThan(RACES)
    },
    RACES * 3000 + 30_000,
  )

  test('100 calls at once make one request', async () => {
    const client = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
    const source = client.tokenSource({ tokens: await expired() })
    const given = await Promise.all(Array.from({ length: 100 }, () => source.accessToken()))
    expect(new Set(given).size).toBe(1)
    expect(world.oauth.requests.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(1)
  })

  test('two sources of one grant in one process make one request, and both save', async () => {
    const client = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
    const tokens = await expired()
    const saved: string[] = []
    const sources = ['a', 'b'].map((name) => client.tokenSource({ tokens, save: async () => void saved.push(name) }))
    const [a, b] = await Promise.all(sources.map((source) => source.accessToken()))
    expect(a).toBe(b)
    expect(saved.sort()).toEqual(['a', 'b'])
    expect(world.oauth.requests.filter(({ endpoint }) => endpoint === 'token')).toHaveLength(1)
  })
})

function ask(racer: ChildProcess, order: object): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`a racer ended with ${code}`))
    racer.once('exit', ended)
    racer.once('message', (outcome: Outcome) => {
      racer.off('exit', ended)
      resolve(outcome)
    })
    racer.send(order)
  })
}
