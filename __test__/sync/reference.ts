import type { FetchedMessage, SyncBatch, SyncOptions } from '../../index'
import type { Syncing } from './model'
import { flagsOf, RawClient } from './raw-client'

/** What a sync engine may get wrong; the oracle has to see each of them. */
export const FLAWS = [
  'keeps what vanished',
  'is blind to a rebuilt mailbox',
  'has a cursor ahead of its batch',
  'has a cursor behind its batch',
  'overlooks flags',
  'overlooks what arrives meanwhile',
] as const
export type Flaw = (typeof FLAWS)[number]

interface Cursor {
  uidValidity: string
  known: Record<number, string>
}

/**
 * The plainest sync there is: a list of UIDs and flags, compared. It proves that the oracle lets a right engine pass and, with a
 * flaw, that it stops a wrong one.
 */
export function reference(open: () => Promise<RawClient>, flaw: Flaw | null = null): Syncing {
  let client: RawClient | null = null
  return async function* (path, cursor, options) {
    try {
      client ??= await open()
      yield* sync(client, path, cursor, options, flaw)
    } catch (error) {
      if ((error as { code?: unknown }).code !== undefined) throw error
      // A server that ends the session of a mailbox that was deleted.
      client?.close()
      client = null
      throw coded('CONNECTION_LOST', String(error))
    }
  }
}

async function* sync(
  client: RawClient,
  path: string,
  stored: string | null,
  { batchSize = 100, signal }: SyncOptions,
  flaw: Flaw | null,
): AsyncGenerator<SyncBatch> {
  const before: Cursor | null = stored === null ? null : JSON.parse(stored)
  const selected = await client.command(`EXAMINE "${path}"`)
  if (selected.status !== 'OK') throw coded('MAILBOX_NOT_FOUND', selected.text)
  const uidValidity = /UIDVALIDITY (\d+)/.exec(selected.untagged.join('\n'))?.[1] ?? ''
  const reset =
    before !== null && before.uidValidity !== uidValidity && flaw !== 'is blind to a rebuilt mailbox' ? true : false
  const known = new Map<number, string>()
  if (before !== null && !reset) for (const [uid, flags] of Object.entries(before.known)) known.set(Number(uid), flags)
  const total = { done: 0, total: 0 }
  const batch = (part: Partial<SyncBatch>): SyncBatch => ({
    ...{ reset: false, added: [], flags: [], vanished: [], progress: total },
    cursor: JSON.stringify({ uidValidity, known: Object.fromEntries(known) }),
    ...part,
  })

  const now = await flagsNow(client)
  const vanished = flaw === 'keeps what vanished' ? [] : [...known.keys()].filter((uid) => !now.has(uid))
  for (const uid of vanished) known.delete(uid)
  const flags: SyncBatch['flags'] = []
  for (const [uid, words] of now) {
    if (!known.has(uid) || known.get(uid) === flagsOf(words) || flaw === 'overlooks flags') continue
    known.set(uid, flagsOf(words))
    flags.push({ uid, flags: words, modSeq: null })
  }
  yield batch({ reset, flags, vanished })

  const unknown = [...now.keys()].filter((uid) => !known.has(uid)).reverse()
  for (let at = 0; at < unknown.length; at += batchSize) {
    if (signal?.aborted) throw coded('ABORTED', 'aborted')
    const added = await fetched(client, unknown.slice(at, at + batchSize))
    const behind = batch({}).cursor
    for (const message of added) known.set(message.uid, flagsOf(message.flags ?? []))
    if (flaw === 'has a cursor ahead of its batch') for (const uid of unknown) known.set(uid, known.get(uid) ?? '')
    yield batch(flaw === 'has a cursor behind its batch' ? { added, cursor: behind } : { added })
  }
  if (flaw === 'overlooks what arrives meanwhile') {
    for (const [uid, words] of await flagsNow(client)) known.set(uid, flagsOf(words))
    yield batch({})
  }
}

async function flagsNow(client: RawClient): Promise<Map<number, string[]>> {
  const { untagged } = await client.ok('UID FETCH 1:* (FLAGS)')
  const found = new Map<number, string[]>()
  for (const line of untagged) {
    const uid = /UID (\d+)/.exec(line)?.[1]
    if (uid !== undefined) found.set(Number(uid), wordsOf(line))
  }
  return found
}

async function fetched(client: RawClient, uids: number[]): Promise<FetchedMessage[]> {
  const { untagged } = await client.ok(`UID FETCH ${uids.join(',')} (FLAGS BODY.PEEK[])`)
  return untagged.flatMap((line) => {
    const literal = /BODY\[\] \{(\d+)\}\r\n/.exec(line)
    if (literal === null) return []
    const from = literal.index + literal[0].length
    const to = from + Number(literal[1])
    const rest = line.slice(0, literal.index) + line.slice(to)
    const source = Buffer.from(line.slice(from, to), 'latin1')
    const uid = Number(/UID (\d+)/.exec(rest)?.[1])
    return [{ uid, flags: wordsOf(rest), source, degraded: null } as unknown as FetchedMessage]
  })
}

function wordsOf(line: string): string[] {
  return (/FLAGS \(([^)]*)\)/.exec(line)?.[1] ?? '').split(' ').filter((word) => word !== '' && word !== '\\Recent')
}

function coded(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
