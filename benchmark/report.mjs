// Figures as people read them: a table on the terminal, the same as Markdown.

/** Label and digits of every figure; a line shows those its contenders sent. */
const FIGURES = {
  messages: ['messages', 0],
  wallMs: ['wall ms', 0],
  cpuMs: ['CPU ms', 0],
  perSecond: ['messages/s', 0],
  roundTrips: ['round trips', 1],
  flights: ['flights', 0],
  rssMb: ['peak RSS MB', 0],
  growthMb: ['RSS growth MB', 1],
  perWatcherKb: ['KB a watcher', 0],
  cursorKb: ['cursor KB', 1],
  utilization: ['loop utilisation', 2],
  delayP99Ms: ['loop delay p99 ms', 1],
  delayMaxMs: ['max ms', 1],
  bystanderP99Ms: ['idle process p99 ms', 1],
  cores: ['cores busy', 2],
  sinkUtilization: ['sink utilisation', 2],
}

const OURS = 'email-native'

/** `result`: `{ name, what, where, rows, targets }`. */
export function toText({ name, what, where, rows, targets, skipped }) {
  const { head, body } = tableOf(rows)
  const widths = head.map((_, i) => Math.max(...[head, ...body].map((cells) => cells[i].length)) + (i ? 2 : 0))
  const put = (cells) => cells.map((cell, i) => (i ? cell.padStart(widths[i]) : cell.padEnd(widths[0]))).join('')
  const lines = [`\n${name}: ${what} (${where})`, put(head), ...body.map(put)]
  for (const why of skipped) lines.push(`  SKIPPED ${why}`)
  for (const target of targets) lines.push(`  ${verdict(target)}`)
  return lines.join('\n')
}

export function toMarkdown({ name, what, where, rows, targets, skipped }) {
  const { head, body } = tableOf(rows)
  const put = (cells) => `| ${cells.join(' | ')} |`
  const rule = head.map((_, i) => (i ? '--:' : '---'))
  const lines = [`### ${name}`, '', `${capital(what)} (${where}).`, '', put(head), put(rule), ...body.map(put), '']
  for (const why of skipped) lines.push(`- Skipped: ${why}`)
  for (const target of targets) lines.push(`- ${verdict(target)}`)
  return `${lines.join('\n')}\n`
}

function verdict({ what, limit, value, met }) {
  const label = what.replace(/^\w+/, (key) => FIGURES[key]?.[0] ?? key)
  if (value === null) return `not measured: ${label} ${limit}`
  return `${met ? 'met' : 'MISSED'}: ${label} is ${number(value, 2)}, wanted ${limit}`
}

/** A row a contender, then the others as multiples of ours. */
function tableOf(rows) {
  const names = Object.keys(rows)
  const keys = Object.keys(FIGURES).filter((key) => names.some((name) => rows[name][key] !== undefined))
  const head = ['', ...keys.map((key) => FIGURES[key][0])]
  const body = names.map((name) => [name, ...keys.map((key) => number(rows[name][key], FIGURES[key][1]))])
  for (const name of names) {
    if (name === OURS || rows[OURS] === undefined) continue
    body.push([`${name} / ours`, ...keys.map((key) => multiple(rows[name][key], rows[OURS][key]))])
  }
  return { head, body }
}

function number(value, digits) {
  return value === undefined ? '' : value.toFixed(digits)
}

function multiple(theirs, ours) {
  if (theirs === undefined || ours === undefined || ours === 0) return ''
  return `${(theirs / ours).toFixed(1)}×`
}

function capital(text) {
  return text[0].toUpperCase() + text.slice(1)
}
