// `npm run bench`: this addon beside what users would pick instead, on the same server, in the same run, as ratios.
//
//   npm run bench -- [--only NAME,NAME] [--rounds 3] [--messages N] [--json FILE] [--markdown FILE] [--list]
//
// A line is a file of lines/: what is measured, who takes part, what was promised. Each contender is a process of its own
// (its memory and CPU are its own); contenders take turns, and the figures are medians over the rounds. `--messages`
// makes a line smaller: promises are meant for its own size.

import { readdirSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { here, runContender, startServer } from './children.mjs'
import { toMarkdown, toText } from './report.mjs'

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string' },
    only: { type: 'string' },
    json: { type: 'string' },
    markdown: { type: 'string' },
    list: { type: 'boolean', default: false },
  },
})

const servers = new Map()
const results = []
const lines = await chosen(values.only?.split(','))
if (values.list) {
  for (const { name, what } of lines) console.log(`${name.padEnd(24)}${what}`)
  process.exit(0)
}
try {
  for (const line of lines) {
    results.push(await measure(line))
    console.log(toText(results.at(-1)))
  }
} finally {
  for (const server of servers.values()) await server.stop()
}
if (values.json) writeFileSync(values.json, `${JSON.stringify({ machine: machine(), results }, null, 2)}\n`)
if (values.markdown) writeFileSync(values.markdown, `${machine()}\n\n${results.map(toMarkdown).join('\n')}`)
const missed = results.flatMap(({ targets }) => targets.filter(({ met, value }) => value !== null && !met))
console.log(`\n${results.length} lines, ${missed.length} promises missed. ${machine()}`)

async function chosen(names) {
  const all = readdirSync(join(here, 'lines')).map((file) => file.replace('.mjs', ''))
  const unknown = names?.filter((name) => !all.includes(name)) ?? []
  if (unknown.length > 0) throw new Error(`no line ${unknown.join(', ')}; there are ${all.join(', ')}`)
  const order = names ?? all
  return Promise.all(order.map(async (name) => ({ name, ...(await import(`./lines/${name}.mjs`)).default })))
}

/** The contenders' medians, and what they say about the promises. */
async function measure(line) {
  const given = { messages: Number(values.messages ?? line.messages), ...line.given }
  const prepared = await line.prepare(given, { server })
  const samples = new Map(line.contenders.map((contender) => [contender, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const [contender, figures] of samples) figures.push(await sample(line, contender, prepared))
  }
  const skipped = []
  const rows = {}
  for (const [contender, figures] of samples) {
    if (figures[0].skipped) skipped.push(`${contender}: ${figures[0].skipped}`)
    else rows[contender] = medians(figures)
  }
  const targets = line.targets.map(({ what, limit, of, met }) => {
    const value = of(rows)
    return { what, limit, value, met: value !== null && met(value) }
  })
  return { name: line.name, what: line.what, where: prepared.where, rows, targets, skipped }
}

async function sample(line, contender, prepared) {
  const bystander = await server('bystander.mjs')
  await prepared.before?.()
  await bystander.ask('count')
  const figures = await runContender(line.program ?? line.name, contender, prepared.given)
  const floor = figures.delayP99Ms === undefined ? {} : await bystander.ask('count')
  if (figures.skipped) return figures
  const { messages } = prepared.given
  if (messages !== undefined && figures.messages !== messages) {
    throw new Error(`${line.name}: ${contender} saw ${figures.messages} messages, not ${messages}`)
  }
  return { ...figures, ...floor, ...(await prepared.after?.(figures)) }
}

/** A server of servers/, started once a run for each set of options. */
async function server(file, given = {}) {
  const key = `${file} ${JSON.stringify(given)}`
  if (!servers.has(key)) servers.set(key, await startServer(file, given))
  return servers.get(key)
}

function medians(samples) {
  const row = {}
  for (const key of Object.keys(samples[0])) {
    const sorted = samples.map((figures) => figures[key]).sort((a, b) => a - b)
    row[key] = sorted[Math.floor(sorted.length / 2)]
  }
  return row
}

function machine() {
  const [{ model }, { length }] = [cpus()[0], cpus()]
  return `Node ${process.version}, ${process.platform} ${process.arch}, ${length} × ${model.trim()}.`
}
