// Fills a mailbox as fast as the server takes it: MULTIAPPEND (RFC 3502) with non-synchronising literals (RFC 7888).

import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { connect } from 'node:tls'

/** Mails in one APPEND: each is a transaction of the server's. */
const MAILS_AT_ONCE = 2000
/** And their bytes. */
const BYTES_AT_ONCE = 64 << 20

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

export async function fill({ port, ca, user, password }, mails, folders) {
  const socket = connect({ host: 'localhost', port, ca })
  const lines = createInterface({ input: socket })[Symbol.asyncIterator]()
  await lines.next()
  await command(`LOGIN ${user} ${password}`)
  for (let i = 0; i < folders; i++) await command(`CREATE "Folder ${i}"`)

  let [messages, bytes, open, openBytes] = [0, 0, 0, 0]
  for (const { raw, flags, internalDate } of mails) {
    if (open === 0) socket.write('A APPEND INBOX')
    const written = socket.write(` (${flags.join(' ')}) "${dateTime(internalDate)}" {${raw.length}+}\r\n`)
    if (!socket.write(raw) || !written) await once(socket, 'drain')
    open += 1
    openBytes += raw.length
    if (open >= MAILS_AT_ONCE || openBytes >= BYTES_AT_ONCE) await flush()
  }
  await flush()
  // The server's cache learns what the lines below ask for; the first answer is its, not a client's.
  await command('EXAMINE INBOX')
  if (messages > 0) await command('UID FETCH 1:* (FLAGS INTERNALDATE RFC822.SIZE ENVELOPE BODYSTRUCTURE)')
  socket.destroy()
  return { messages, bytes }

  async function flush() {
    if (open === 0) return
    socket.write('\r\n')
    await answer()
    messages += open
    bytes += openBytes
    open = openBytes = 0
  }

  async function command(text) {
    socket.write(`A ${text}\r\n`)
    await answer()
  }

  async function answer() {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('the server hung up')
      if (value.startsWith('A OK')) return
      if (/^A |^\* BYE/.test(value)) throw new Error(`filling ${user}: ${value}`)
    }
  }
}

/** RFC 9051 date-time. */
function dateTime(date) {
  const [iso] = date.toISOString().split('.')
  const [day, time] = iso.split('T')
  const [year, month, dayOfMonth] = day.split('-')
  return `${dayOfMonth}-${MONTHS[month - 1]}-${year} ${time} +0000`
}
