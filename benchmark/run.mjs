// `npm run bench`: this addon beside what users would pick instead, on the same server, in the same run, as ratios.
//
//   npm run bench -- [--rounds 3] [--messages 2000] [--only fetch-parse]
//
// Each contender is a process of its own (its memory and CPU are its own); contenders take turns, and the figures are
// medians over the rounds. The server is Dovecot where it is installed, else the simulator in another process.

import { fork } from 'node:child_process'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname

const LINES = [
  {
    name: 'fetch-parse',
    what: 'fetch and parse every message of a mailbox',
    contenders: ['email-native', 'imapflow-mailparser'],
  },
]

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '3' },
    messages: { type: 'string', default: '2000' },
    only: { type: 'string' },
  },
})

const COLUMNS = [
  ['wallMs', 'wall ms', 0],
  ['cpuMs', 'CPU ms', 0],
  ['rssMb', 'peak RSS MB', 0],
  ['utilization', 'loop utilisation', 2],
  ['delayP99Ms', 'loop delay p99 ms', 1],
  ['delayMaxMs', 'max ms', 1],
]

const server = await startServer(Number(values.messages))
try {
  for (const line of LINES.filter(({ name }) => !values.only || name === values.only)) await compare(line)
} finally {
  server.stop()
}

async function compare({ name, what, contenders }) {
  console.log(`\n${name}: ${what} (${server.info.messages} messages, ${mb(server.info.bytes)} MB, ${server.info.name})`)
  const samples = new Map(contenders.map((contender) => [contender, []]))
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const contender of contenders) samples.get(contender).push(await measure(name, contender))
  }
  const rows = contenders.map((contender) => ({ contender, ...medians(samples.get(contender)) }))
  print(rows)
}

async function measure(line, contender) {
  const child = fork(join(here, 'contenders', `${line}.${contender}.mjs`), [JSON.stringify(server.info)], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const result = new Promise((resolve) => child.once('message', resolve))
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${contender} ended with code ${code}`)
  const figures = await result
  if (figures.messages !== server.info.messages) throw new Error(`${contender} saw ${figures.messages} messages`)
  return figures
}

function print(rows) {
  const widths = [22, ...COLUMNS.map(([, label]) => Math.max(label.length, 8) + 2)]
  const put = (cells) =>
    console.log(cells.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[0]))).join(''))
  put(['', ...COLUMNS.map(([, label]) => label)])
  for (const row of rows) put([row.contender, ...COLUMNS.map(([key, , digits]) => row[key].toFixed(digits))])
  const [ours, ...others] = rows
  for (const other of others) {
    put([`× ${other.contender}`, ...COLUMNS.map(([key]) => `${(other[key] / ours[key]).toFixed(1)}×`)])
  }
}

function medians(samples) {
  const row = {}
  for (const [key] of COLUMNS) {
    const sorted = samples.map((sample) => sample[key]).sort((a, b) => a - b)
    row[key] = sorted[Math.floor(sorted.length / 2)]
  }
  return row
}

async function startServer(messages) {
  const child = fork(join(here, 'server.mjs'), [String(messages)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const info = await new Promise((resolve, reject) => {
    child.once('message', resolve)
    child.once('exit', (code) => reject(new Error(`the server ended with code ${code}`)))
  })
  return { info, stop: () => child.send('stop') }
}

function mb(bytes) {
  return (bytes / 1e6).toFixed(0)
}
