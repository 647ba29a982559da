import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { sample, type Reading, type Sample } from './differential/messages'
import { hasPython, mailparser, ours, python } from './differential/readers'

/** How many messages; all 5,000 by `DIFFERENTIAL=5000`, which also asks that no rule is superfluous. */
const COUNT = Number(process.env['DIFFERENTIAL'] ?? 500)
const FIRST = Number(process.env['DIFFERENTIAL_FIRST'] ?? 1)

const SHOWN = Number(process.env['DIFFERENTIAL_SHOWN'] ?? 20)

/** Why a parser does not read a field as it was meant; for messages that have one of these features. */
interface Rule {
  parser: 'email-native' | 'mailparser' | 'python'
  fields: string[]
  features: string[]
  why: string
}

const rules = JSON.parse(readFileSync(join(__dirname, 'differential', 'differences.json'), 'utf8')) as Rule[]
const samples: Sample[] = Array.from({ length: COUNT }, (_, n) => sample(FIRST + n))

/** What is compared: blanks at the end of lines and of texts are no difference. */
function comparable(reading: Reading): Record<string, unknown> {
  const text = (value: unknown) =>
    typeof value === 'string'
      ? value
          .replace(/\r\n/g, '\n')
          .replace(/[ \t]+$/gm, '')
          .trim()
      : value
  const files = Array.isArray(reading.attachments) ? reading.attachments : []
  return {
    ...reading,
    text: text(reading.text),
    html: text(reading.html),
    attachments: Array.isArray(reading.attachments) ? files.length : reading.attachments,
    'attachments.name': files.map((f) => f.name),
    'attachments.type': files.map((f) => f.type),
    'attachments.content': files.map((f) => `${f.size} ${f.hash}`),
  }
}

function differences(a: Reading, b: Reading): string[] {
  const [left, right] = [comparable(a), comparable(b)]
  return Object.keys(left).filter((field) => JSON.stringify(left[field]) !== JSON.stringify(right[field]))
}

const shown = (reading: Reading, field: string) => JSON.stringify(comparable(reading)[field])

/** Every difference is explained, and every explanation is needed. */
async function compare(parser: Rule['parser'], readings: AsyncIterable<Reading>): Promise<void> {
  const used = new Set<Rule>()
  const unexplained: string[] = []
  let n = 0
  for await (const reading of readings) {
    const { features, truth } = samples[n++]
    for (const field of differences(reading, truth)) {
      const own = rules.filter((r) => r.parser === parser && r.fields.includes(field))
      const applying = own.filter((r) => r.features.some((feature) => features.includes(feature)))
      for (const rule of applying) used.add(rule)
      if (applying.length === 0) {
        unexplained.push(
          `seed ${FIRST + n - 1}, ${field}: ${shown(reading, field)}\n  but ${shown(truth, field)}\n  (${features.join(' ')})`,
        )
      }
    }
  }
  expect(n).toBe(COUNT)
  expect(unexplained.slice(0, SHOWN).join('\n'), `${unexplained.length} differences`).toBe('')
  const unused = rules.filter((rule) => rule.parser === parser && !used.has(rule))
  if (COUNT >= 5_000) expect(unused, 'rules that nothing needs').toEqual([])
}

async function* each(read: (raw: Buffer) => Promise<Reading>): AsyncIterableIterator<Reading> {
  for (const { raw } of samples) yield await read(raw)
}

describe(`${COUNT} made-up messages, read by three parsers`, () => {
  test('ours finds what was put in', async () => {
    await compare('email-native', each(ours))
  }, 240_000)

  test('mailparser differs for known reasons only', async () => {
    await compare('mailparser', each(mailparser))
  }, 240_000)

  test.skipIf(!hasPython)(
    `Python's email differs for known reasons only${hasPython ? '' : ' (no python3)'}`,
    async () => {
      await compare('python', python(samples))
    },
    240_000,
  )
})
