// Syncs one mailbox into a database that takes nothing twice, until it is done or killed.

import { createHash } from 'node:crypto'
import { appendFileSync } from 'node:fs'
import { createRequire } from 'node:module'

import Database from 'libsql'

const { ImapClient } = createRequire(import.meta.url)('../../index.js')

const { imap, path, file, receipts, batchSize } = JSON.parse(process.argv[2])

const db = new Database(file)
db.exec(`
  CREATE TABLE IF NOT EXISTS state (id INTEGER PRIMARY KEY CHECK (id = 1), cursor TEXT, batches INTEGER);
  CREATE TABLE IF NOT EXISTS messages (uid INTEGER PRIMARY KEY, hash TEXT, flags TEXT);
  INSERT OR IGNORE INTO state VALUES (1, NULL, 0)`)
const insert = db.prepare('INSERT INTO messages VALUES (?, ?, ?)')
const remove = db.prepare('DELETE FROM messages WHERE uid = ?')
const update = db.prepare('UPDATE messages SET flags = ? WHERE uid = ?')
const advance = db.prepare('UPDATE state SET cursor = ?, batches = batches + 1')

const apply = db.transaction(({ reset, vanished, added, flags, cursor }) => {
  if (reset) db.exec('DELETE FROM messages')
  for (const uid of vanished) expectOne(remove.run(uid), `vanished ${uid}`)
  for (const { uid, source, flags: now } of added) insert.run(uid, hashOf(source), JSON.stringify(now))
  for (const { uid, flags: now } of flags) expectOne(update.run(JSON.stringify(now), uid), `flags of ${uid}`)
  advance.run(cursor)
})

const { cursor } = db.prepare('SELECT cursor FROM state').get()
const client = await ImapClient.connect(imap)
process.stdout.write('connected\n')
const query = { fetch: { flags: true, source: true }, batchSize }
for await (const batch of client.sync(path, cursor, query)) {
  // Written before the transaction: what was received and not stored has to come again, and is counted.
  appendFileSync(receipts, `${batch.added.length}\n`)
  apply(batch)
}
await client.logout()
db.close()

function expectOne({ changes }, what) {
  if (changes !== 1) throw new Error(`${what}, which was never stored`)
}

function hashOf(bytes) {
  return createHash('sha1').update(bytes).digest('base64')
}
