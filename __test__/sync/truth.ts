import { createHash } from 'node:crypto'

import { flagsOf, type RawClient, type Stored } from './raw-client'

/** Everything of one mailbox, read by a client that is not the tested one; null where there is none. */
export async function truthOf(client: RawClient, path: string): Promise<Map<number, Stored> | null> {
  // Selecting anew is what makes the server look again.
  const opened = await client.command(`EXAMINE "${path}"`)
  if (opened.status !== 'OK') return null
  const exists = opened.untagged.find((line) => / EXISTS$/.test(line))
  const found = new Map<number, Stored>()
  if (exists !== '* 0 EXISTS') {
    const { untagged } = await client.ok('UID FETCH 1:* (FLAGS BODY.PEEK[])')
    for (const line of untagged) readRow(line, found)
  }
  await client.ok('UNSELECT')
  return found
}

function readRow(line: string, found: Map<number, Stored>): void {
  const head = /^\* \d+ FETCH \(/.exec(line)
  if (head === null) return
  const literal = /BODY\[\] \{(\d+)\}\r\n/.exec(line)
  if (literal === null) return
  const from = literal.index + literal[0].length
  const to = from + Number(literal[1])
  const rest = line.slice(0, literal.index) + line.slice(to)
  const uid = Number(/UID (\d+)/.exec(rest)?.[1])
  const flags = flagsOf((/FLAGS \(([^)]*)\)/.exec(rest)?.[1] ?? '').split(' ').filter(Boolean))
  found.set(uid, { hash: hashOf(Buffer.from(line.slice(from, to), 'latin1')), flags })
}

export function hashOf(bytes: Uint8Array): string {
  return createHash('sha1').update(bytes).digest('base64')
}
