'use strict'

// One call against one hostile server: `node --expose-gc hostile.cjs <JSON>`. One line of JSON tells what became of it.

const { readFileSync, writeFileSync } = require('node:fs')

const { ImapClient, MailError } = require('../../index.js')

const MAIL = Buffer.from('From: ada@contoso.example\r\nSubject: New\r\n\r\nText.\r\n')
const EVERYTHING = { flags: true, internalDate: true, size: true, envelope: true, bodyStructure: true }

const calls = {
  connect: async () => null,
  list: (client, call) => client.list(call),
  'list with status': (client, call) => client.list({ status: true, ...call }),
  status: (client, call) => client.status('INBOX', call),
  search: (client, call) => client.search('INBOX', { all: true }, call),
  flags: (client, call) => all(client.fetch('INBOX', '1:*', { flags: true }, call)),
  newest: (client, call) => all(client.fetch('INBOX', { newest: 3 }, EVERYTHING, call)),
  rows: (client, call) => all(client.fetch('INBOX', '1:*', EVERYTHING, call)),
  headers: (client, call) => all(client.fetch('INBOX', '1:*', { headers: ['subject'] }, call)),
  source: (client, call) => all(client.fetch('INBOX', '1:*', { source: true }, call)),
  message: (client, call) => all(client.fetch('INBOX', '1:*', { message: true, flags: true }, call)),
  one: (client, call) => client.fetchOne('INBOX', 5, { source: true }, call),
  download: (client, call) => counted(client.download('INBOX', 5, call)),
  'download of at most 8 MB': (client, call) => counted(client.download('INBOX', 5, { maxBytes: 8 << 20, ...call })),
  part: (client, call) => counted(client.download('INBOX', 5, { part: '1', ...call })),
  append: (client, call) => client.append('INBOX', MAIL, call),
  replace: (client, call) => client.replace('INBOX', 5, MAIL, call),
  store: (client, call) => client.addFlags('INBOX', '1:*', ['\\Flagged'], call),
  copy: (client, call) => client.copy('INBOX', 5, 'Sent', call),
  move: (client, call) => client.move('INBOX', 5, 'Sent', call),
  delete: (client, call) => client.delete('INBOX', 5, call),
  create: (client, call) => client.create('New', call),
  logout: (client, call) => client.logout(call),
  /** The first event, or the end of patience. */
  async watch(client, { timeoutMs }) {
    const signal = AbortSignal.timeout(timeoutMs)
    for await (const event of client.watch('INBOX', { signal })) return event
    return 'ended'
  },
}

// A watcher alone does not keep a process alive.
const alive = setInterval(() => {}, 1000)
main(JSON.parse(process.argv[2])).then((told) => {
  console.log(JSON.stringify(told))
  clearInterval(alive)
})

async function main({ good, options, call, timeoutMs, again }) {
  // What a first connection allocates for good is not the server's doing.
  const warm = await ImapClient.connect(good)
  await all(warm.fetch('INBOX', '1:*', { message: true, ...EVERYTHING }))
  await warm.logout()
  global.gc()

  writeFileSync('/proc/self/clear_refs', '5')
  const before = memory('VmRSS')
  let client = null
  const connected = await outcome(async () => {
    client = await ImapClient.connect({ ...options, timeoutMs })
  })
  const told = client === null ? connected : await outcome(() => calls[call](client, { timeoutMs }))
  told.ms = Math.max(connected.ms, told.ms)
  told.grownMb = Math.round((memory('VmHWM') - before) / 1024)
  if (client !== null) {
    if (again) told.again = await outcome(() => calls[again](client, { timeoutMs: 8000 }))
    told.closed = client.closed
    client.close()
  }
  return told
}

async function outcome(work) {
  const started = performance.now()
  const ms = () => Math.round(performance.now() - started)
  try {
    const value = shortened(await work())
    return { code: 'OK', value, ms: ms() }
  } catch (error) {
    const { code, category, message, retryAfterMs } = error
    const typed = error instanceof MailError
    return { code, category, message: String(message).slice(0, 300), retryAfterMs, typed, ms: ms() }
  }
}

/** Without keeping them. */
async function counted(chunks) {
  let bytes = 0
  for await (const chunk of chunks) bytes += chunk.length
  return { bytes }
}

/** Enough of a result to compare it. */
function shortened(value) {
  if (Buffer.isBuffer(value)) return { bytes: value.length, start: value.toString('latin1', 0, 60) }
  if (Array.isArray(value)) return value.length > 20 ? { length: value.length } : value.map(shortened)
  if (value === null || typeof value !== 'object' || value instanceof Date) return value ?? null
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, shortened(item)]))
}

async function all(items) {
  const found = []
  for await (const item of items) found.push(item)
  return found
}

function memory(field) {
  const line = readFileSync('/proc/self/status', 'utf8').match(new RegExp(`^${field}:\\s+(\\d+)`, 'm'))
  return Number(line[1])
}
