import { existsSync, readFileSync } from 'node:fs'

import { describe, expect, test } from 'vitest'

import { parseMessage } from '../index'

/** Longest time that a message may keep the event loop, on a machine of today. */
const STALL_MS = 10

const each = (n: number, one: (i: number) => string) => Array.from({ length: n }, (_, i) => one(i)).join('')
const mixed = (parts: string) => `Content-Type: multipart/mixed; boundary=b\n\n${parts}`

/** Messages whose results are large: each makes as many JavaScript values as it can. */
const bombs: Record<string, () => string> = {
  'header fields of one name': () => `${'X: y\n'.repeat(200_000)}\n\nbody`,
  'header fields of many names': () => `${each(100_000, (i) => `X${i}: y\n`)}\n\nbody`,
  addresses: () => `From: ${'a@b,'.repeat(250_000)}\n\nbody`,
  'addresses in every field': () =>
    `${['From', 'To', 'Cc', 'Bcc', 'Reply-To', 'Sender'].map((f) => `${f}: ${'a@b,'.repeat(20_000)}\n`).join('')}\nbody`,
  references: () => `References: ${each(50_000, (i) => `<${i}>`)}\n\nbody`,
  'a long subject': () => `Subject: ${'字 '.repeat(130_000)}\n\nbody`,
  parts: () => mixed('--b\nContent-Type: image/png\n\nx\n'.repeat(50_000)),
  'long file names': () => mixed(each(3_000, () => `--b\nContent-Type: image/png; name="${'x'.repeat(300)}"\n\nx\n`)),
  'uuencoded files': () => mixed(`--b\n\n${'begin 644 x\n#0V%T\n`\nend\n'.repeat(100)}`.repeat(100)),
  text: () => `\n${'word '.repeat(3_000_000)}`,
  'text beyond ASCII': () => `Content-Type: text/plain; charset=utf-8\n\n${'字'.repeat(3_000_000)}`,
  'bounce recipients': () =>
    `Content-Type: message/delivery-status\n\nReporting-MTA: x\n${'\nFinal-Recipient: rfc822;a@b.c\nAction: failed\n'.repeat(20_000)}`,
  invitations: () =>
    mixed(
      each(
        60,
        (i) => `--b\nContent-Type: text/calendar\n\nBEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:${i}\n${'X:y\n'.repeat(20_000)}`,
      ),
    ),
}

/** Milliseconds that this thread has computed: what else the machine does is not counted. */
const SCHEDULED = `/proc/self/task/${process.pid}/schedstat`
const canMeasure = existsSync(SCHEDULED)
const computed = () => Number(readFileSync(SCHEDULED, 'utf8').split(' ')[0]) / 1e6

/** What the yardstick takes on a machine of today. */
const YARDSTICK_MS = 10

/** How much slower this machine is just now: work of the same kind, done by nobody but the engine. */
function slowness(): number {
  const json = JSON.stringify(Array.from({ length: 100_000 }, (_, i) => `word ${i}`))
  const rounds = Array.from({ length: 5 }, () => {
    const began = computed()
    for (let i = 0; i < 4; i++) JSON.parse(json)
    return (computed() - began) / 4
  })
  return Math.max(1, Math.min(...rounds) / YARDSTICK_MS)
}

/** The longest that the loop was kept while `work` went on. */
async function stall(work: () => Promise<unknown>): Promise<number> {
  let longest = 0
  let going = true
  let last = computed()
  const turn = () => {
    const now = computed()
    longest = Math.max(longest, now - last)
    last = now
    if (going) setImmediate(turn)
  }
  turn()
  await work()
  await new Promise((resolve) => setTimeout(resolve, 20))
  going = false
  return longest
}

describe.skipIf(!canMeasure)(`a large result${canMeasure ? '' : ' (no /proc: thread times cannot be told)'}`, () => {
  test.each(Object.keys(bombs))(
    '%s never keeps the event loop',
    async (name) => {
      const source = Buffer.from(bombs[name]())
      const stalls: number[] = []
      // The first round also compiles; garbage of the rounds before may be collected in any one.
      let limit = 0
      for (let round = 0; round < 6 && !(stalls.at(-1)! < limit); round++) {
        limit = STALL_MS * slowness()
        stalls.push(await stall(() => parseMessage(source, { attachments: 'content', timeoutMs: 120_000 })))
      }
      expect(stalls.at(-1), stalls.map((s) => s.toFixed(1)).join(', ')).toBeLessThan(limit)
    },
    300_000,
  )

  test('the clock sees it when something does', async () => {
    const busy = async () => {
      const end = computed() + 2 * STALL_MS
      while (computed() < end);
    }
    expect(await stall(busy)).toBeGreaterThanOrEqual(STALL_MS)
  })
})
