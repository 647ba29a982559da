import { setTimeout as sleep } from 'node:timers/promises'

import { MailError } from '../../index'
import type { ImapClient, SyncBatch, SyncOptions } from '../../index'
import type { Ledger } from './ledger'

/** Jobs that a plugin may need until a fault is over. */
const MAX_JOBS = 6

export const QUERY: SyncOptions = { fetch: { flags: true, source: true }, batchSize: 5 }

/**
 * Syncs as a plugin's jobs do: each goes on from the last stored cursor, waits as long as the error says, and gives up when it is
 * not retryable. Resolves to the errors on the way.
 */
export async function syncFully(
  client: Pick<ImapClient, 'sync'>,
  ledger: Ledger,
  options: SyncOptions = {},
  afterBatch: (batch: SyncBatch) => void | Promise<void> = () => {},
): Promise<MailError[]> {
  const errors: MailError[] = []
  for (;;) {
    try {
      for await (const batch of client.sync(ledger.path, ledger.cursor, { ...QUERY, ...options })) {
        ledger.apply(batch)
        await afterBatch(batch)
      }
      return errors
    } catch (error) {
      if (!(error instanceof MailError) || !error.retryable || errors.length === MAX_JOBS) throw error
      errors.push(error)
      await sleep(error.retryAfterMs ?? 0)
    }
  }
}

/** A mail by number, small. */
export function numbered(number: number, bytes = 200): Buffer {
  const head = `From: Ada <ada@contoso.example>\r\nSubject: mail ${number}\r\nMessage-ID: <mail-${number}@contoso.example>\r\n\r\n`
  return Buffer.from(`${head}${'x'.repeat(bytes)}\r\n`)
}
