import { setTimeout as sleep } from 'node:timers/promises'

import type { SyncBatch, SyncOptions } from '../../index'
import { Colleague } from './colleague'
import { Ledger } from './ledger'
import { Random } from './random'
import type { RawClient } from './raw-client'
import { truthOf } from './truth'

/** How a sync is left before its end. */
type End = 'finished' | 'break' | 'abort' | 'lost batch'

/** What may go wrong while a mailbox is deleted and made again under a running sync; the next one has to cope. */
const PASSING = new Set(['ABORTED', 'MAILBOX_NOT_FOUND', 'CONNECTION_LOST', 'UIDVALIDITY_CHANGED'])

/** Syncs that `settle` allows itself; one is enough where the server is quiet. */
const MAX_SETTLING = 3

/** Chance decides how a sync is left: work goes on until each way was taken, up to so many times what was asked for. */
const MAX_LONGER = 4

/** Between two syncs: one after the other would starve the colleague, whom Dovecot lets wait for its locks. */
const MAX_REST_MS = 4

export type Syncing = (path: string, cursor: string | null, options: SyncOptions) => AsyncIterable<SyncBatch>

export interface Figures {
  operations: number
  rebuilt: number
  syncs: Record<End, number>
  failures: Record<string, number>
  batches: number
  resets: number
  quiescences: number
  largestCursor: number
}

/**
 * The model test: while a colleague works, the mailboxes are synced over and over, and left in every way; whenever the colleague
 * rests, what is stored has to be what is on the server.
 */
export class Model {
  readonly ledgers: Ledger[]
  readonly figures: Figures = {
    operations: 0,
    rebuilt: 0,
    syncs: { finished: 0, break: 0, abort: 0, 'lost batch': 0 },
    failures: {},
    batches: 0,
    resets: 0,
    quiescences: 0,
    largestCursor: 0,
  }
  readonly #colleague: Colleague
  readonly #random: Random
  readonly #waiting: Array<() => void> = []

  constructor(
    private readonly sync: Syncing,
    writer: RawClient,
    private readonly reader: RawClient,
    private readonly seed: number,
    paths: readonly string[],
    keywords: boolean,
  ) {
    this.ledgers = paths.map((path) => new Ledger(path))
    // Two courses of chance: what the colleague does must not hang on how quick the syncs are.
    this.#random = new Random(seed + 1)
    this.#colleague = new Colleague(writer, new Random(seed), paths, keywords)
  }

  async run(operations: number, perRound: number): Promise<Figures> {
    await this.#colleague.prepare()
    const everyWayTaken = () => Object.values(this.figures.syncs).every((times) => times > 0)
    const most = operations * MAX_LONGER
    while (this.#colleague.operations < (everyWayTaken() ? operations : most)) {
      let working = true
      const work = this.#colleague.work(perRound, () => this.#anyBatch()).finally(() => (working = false))
      const syncing = (async () => {
        while (working) {
          await this.#anySync(this.#random.pick(this.ledgers))
          await sleep(this.#random.between(0, MAX_REST_MS))
        }
      })()
      await Promise.all([work, syncing])
      for (const ledger of this.ledgers) await this.#settle(ledger)
    }
    this.figures.operations = this.#colleague.operations
    this.figures.rebuilt = this.#colleague.rebuilt
    for (const { batches, resets, largestCursor } of this.ledgers) {
      this.figures.batches += batches
      this.figures.resets += resets
      this.figures.largestCursor = Math.max(this.figures.largestCursor, largestCursor)
    }
    return this.figures
  }

  /** Resolves at the next batch or end of a sync, so that the colleague's work falls between the batches, too. */
  #anyBatch(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #tellWaiting(): void {
    for (const resolve of this.#waiting.splice(0)) resolve()
  }

  /** One sync during the work, to its end or not. */
  async #anySync(ledger: Ledger): Promise<void> {
    const end = this.#random.pick<End>(['finished', 'break', 'abort', 'lost batch'])
    const aborting = new AbortController()
    // At any instant, or between two batches: a quick sync is over before most timers.
    const delay = end === 'abort' && this.#random.chance(0.5) ? this.#random.between(0, 40) : null
    const timer = delay === null ? undefined : setTimeout(() => aborting.abort(), delay)
    try {
      const reached = await this.#batches(ledger, end, aborting, delay === null)
      this.figures.syncs[reached] += 1
    } catch (error) {
      this.#passing(error, ledger)
      if (end === 'abort') this.figures.syncs.abort += 1
    } finally {
      clearTimeout(timer)
      this.#tellWaiting()
    }
  }

  async #batches(ledger: Ledger, end: End, aborting: AbortController, atBatch: boolean): Promise<End> {
    const { signal } = aborting
    const batchSize = this.#random.pick([1, 7, 50, 100])
    const order = this.#random.pick(['newest-first', 'oldest-first'] as const)
    let left = this.#random.between(1, 4)
    for await (const batch of this.sync(ledger.path, ledger.cursor, { ...QUERY, batchSize, order, signal })) {
      left -= 1
      this.#tellWaiting()
      // Killed before the batch was stored: it has to come again.
      if (end === 'lost batch' && left === 0) return end
      ledger.apply(batch)
      if (end === 'break' && left === 0) return end
      if (end === 'abort' && atBatch && left === 0) aborting.abort()
    }
    return 'finished'
  }

  /** The server is quiet: one sync, and all is as there; another one has nothing to say. */
  async #settle(ledger: Ledger): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      try {
        for await (const batch of this.sync(ledger.path, ledger.cursor, QUERY)) ledger.apply(batch)
        break
      } catch (error) {
        this.#passing(error, ledger)
        if (attempt === MAX_SETTLING) throw error
      }
    }
    const truth = await truthOf(this.reader, ledger.path)
    this.#expectNone(ledger, ledger.differences(truth ?? new Map()))
    for await (const batch of this.sync(ledger.path, ledger.cursor, QUERY)) {
      const { reset, added, flags, vanished } = batch
      const changes = added.length + flags.length + vanished.length + (reset ? 1 : 0)
      if (changes > 0)
        this.#expectNone(ledger, [`news of a quiet mailbox: ${JSON.stringify({ reset, flags, vanished })}`])
      ledger.apply(batch)
    }
    this.figures.quiescences += 1
  }

  #expectNone(ledger: Ledger, differences: string[]): void {
    if (differences.length === 0) return
    const after = `after ${this.#colleague.operations} operations, seed ${this.seed}`
    throw new Error(`${ledger.path} differs ${after}: ${differences.slice(0, 10).join('; ')} (${differences.length})`)
  }

  #passing(error: unknown, ledger: Ledger): void {
    const code = (error as { code?: unknown }).code
    if (typeof code !== 'string' || !PASSING.has(code)) throw error
    this.figures.failures[code] = (this.figures.failures[code] ?? 0) + 1
    if (code === 'MAILBOX_NOT_FOUND') ledger.forget()
  }
}

const QUERY: SyncOptions = { fetch: { flags: true, source: true } }
