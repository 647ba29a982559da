// What the demo prints: 80 columns, plain when it is not a terminal.

const WIDTH = 80
const tty = process.stdout.isTTY === true
const paint = (code, text) => (tty ? `\x1b[${code}m${text}\x1b[0m` : text)

let steps = 0
let failures = 0

export function title(text) {
  console.log(`\n${paint(1, text)}\n${'─'.repeat(Math.min(WIDTH, text.length))}`)
}

export function step(text) {
  console.log(`\n${paint(36, `${++steps}.`)} ${paint(1, text)}`)
}

export function line(text = '') {
  console.log(clip(`   ${text}`, WIDTH))
}

/** A long value on as many lines as it takes: nothing of it is cut. */
export function block(text, indent = '     ') {
  const room = WIDTH - indent.length
  for (let at = 0; at < text.length; at += room) console.log(paint(2, indent + text.slice(at, at + room)))
}

/** A sentence on as many lines as it takes, broken between words. */
export function paragraph(text, indent = '     ') {
  let row = ''
  for (const word of text.split(' ')) {
    if (row !== '' && columns(row) + 1 + columns(word) > WIDTH - indent.length) {
      console.log(paint(2, indent + row))
      row = ''
    }
    row += row === '' ? word : ` ${word}`
  }
  if (row !== '') console.log(paint(2, indent + row))
}

/** Every claim of the demo goes through here; the exit code counts them. */
export function check(what, holds) {
  if (!holds) failures += 1
  console.log(`   ${holds ? paint(32, '✓') : paint(31, '✗')} ${clip(what, WIDTH - 5)}`)
}

export function verdict() {
  return failures
}

export function progress(done, total) {
  const room = 40
  const filled = total === 0 ? room : Math.round((done / total) * room)
  const bar = `${'█'.repeat(filled)}${'░'.repeat(room - filled)}`
  if (tty) process.stdout.write(`\r   ${bar} ${done}/${total}${done === total ? '\n' : ''}`)
  else if (done === total) console.log(`   ${bar} ${done}/${total}`)
}

/** One mail in two lines, as a list shows it. */
export function mail(message) {
  const { from, subject, date, preview, attachments } = message.message
  const sender = from[0]?.name ?? from[0]?.address ?? '(nobody)'
  const when = date === null ? '(no date)' : date.toISOString().slice(0, 16).replace('T', ' ')
  const mark = message.flags.includes('\\Seen') ? ' ' : paint(33, '●')
  const clips = attachments.filter((attachment) => !attachment.inline).map((attachment) => attachment.filename)
  console.log(`   ${mark} ${pad(sender, 22)} ${pad(subject ?? '(no subject)', 34)} ${when}`)
  console.log(paint(2, `     ${pad(preview.replace(/\s+/g, ' '), WIDTH - 6)}`))
  if (clips.length > 0) console.log(paint(2, `     ${clip(`⎘ ${clips.join(', ')}`, WIDTH - 6)}`))
}

export function bytes(count) {
  return count < 1024 * 1024 ? `${Math.round(count / 1024)} KB` : `${(count / 1024 / 1024).toFixed(1)} MB`
}

function pad(text, width) {
  const cut = clip(text, width)
  return cut + ' '.repeat(Math.max(0, width - columns(cut)))
}

/** Cut to terminal columns: Chinese and Japanese characters take two. */
function clip(text, width) {
  if (columns(text) <= width) return text
  let cut = ''
  for (const character of text) {
    if (columns(cut + character) >= width) break
    cut += character
  }
  return `${cut}…`
}

function columns(text) {
  let sum = 0
  for (const character of text.replace(COLOURS, '')) sum += WIDE.test(character) ? 2 : 1
  return sum
}

/** What `paint` adds: no column. */
const COLOURS = new RegExp(`${String.fromCharCode(27)}\\[\\d+m`, 'g')

const WIDE =
  /[\u1100-\u115F\u2E80-\uA4CF\uAC00-\uD7A3\uF900-\uFAFF\uFE30-\uFE4F\uFF00-\uFF60\uFFE0-\uFFE6\u{1F300}-\u{1FAFF}]/u
