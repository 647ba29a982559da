import type { FetchedMessage, SyncBatch } from '../../index'
import { flagsOf, type Stored } from './raw-client'
import { hashOf } from './truth'

/** How much of a ledger's complaint is printed. */
const SHOWN = 8

/**
 * What a caller keeps of one mailbox, and the oracle of every sync test: it applies batches as the contract says and refuses
 * what the contract excludes. A batch and its cursor are kept together or not at all.
 */
export class Ledger {
  readonly rows = new Map<number, Stored>()
  cursor: string | null = null
  /** Every message that was ever handed over, to count repetitions across lost batches. */
  batches = 0
  resets = 0
  largestCursor = 0

  constructor(readonly path: string) {}

  /** Takes the batch over, as in one transaction: all checks come first. */
  apply(batch: SyncBatch): void {
    const { reset, added, flags, vanished, cursor, progress } = batch
    const known = reset ? new Set<number>() : new Set(this.rows.keys())
    const complaints: string[] = []
    for (const uid of vanished) if (!known.delete(uid)) complaints.push(`vanished ${uid}, which was never given`)
    for (const { uid } of added) {
      if (known.has(uid)) complaints.push(`added ${uid} twice`)
      known.add(uid)
    }
    for (const { uid } of flags) if (!known.has(uid)) complaints.push(`flags of ${uid}, which was never given`)
    if (typeof cursor !== 'string' || cursor === '') complaints.push(`the cursor is ${JSON.stringify(cursor)}`)
    if (JSON.parse(JSON.stringify(cursor)) !== cursor) complaints.push('the cursor does not survive JSON')
    if (!(progress.done >= 0 && progress.done <= progress.total))
      complaints.push(`progress ${JSON.stringify(progress)}`)
    if (complaints.length > 0) throw new Error(`${this.path}: ${complaints.slice(0, SHOWN).join('; ')}`)

    if (reset) this.rows.clear()
    for (const uid of vanished) this.rows.delete(uid)
    for (const message of added) this.rows.set(message.uid, stored(message))
    for (const { uid, flags: now } of flags) {
      const row = this.rows.get(uid)
      if (row !== undefined) this.rows.set(uid, { ...row, flags: flagsOf(now) })
    }
    this.cursor = cursor
    this.batches += 1
    this.resets += reset ? 1 : 0
    this.largestCursor = Math.max(this.largestCursor, cursor.length)
  }

  /** The mailbox is gone: what is stored goes, too, as `MAILBOX_NOT_FOUND` says. */
  forget(): void {
    this.rows.clear()
    this.cursor = null
  }

  /** What differs from the server; empty when nothing does. */
  differences(truth: ReadonlyMap<number, Stored>): string[] {
    const found: string[] = []
    for (const [uid, want] of truth) {
      const row = this.rows.get(uid)
      if (row === undefined) found.push(`lost ${uid}`)
      if (row !== undefined && row.hash !== want.hash) found.push(`another body of ${uid}`)
      if (row !== undefined && row.flags !== want.flags)
        found.push(`flags of ${uid}: [${row.flags}], server [${want.flags}]`)
    }
    for (const uid of this.rows.keys()) if (!truth.has(uid)) found.push(`kept ${uid}, which is gone`)
    return found
  }
}

/** A message that could not be had is kept as such: it equals nothing on the server. */
function stored({ uid, source, flags, degraded }: FetchedMessage): Stored {
  if (degraded !== null) return { hash: `degraded ${degraded.code}`, flags: flagsOf(flags ?? []) }
  if (source === null || flags === null) throw new Error(`no source or flags of ${uid}, and not degraded`)
  return { hash: hashOf(source), flags: flagsOf(flags) }
}
