// What sync-account.mjs keeps, in SQLite: in a plugin these are your tables. A batch and its cursor go in together or not at
// all, and applying a batch again changes nothing: so a process may be killed at any instant.

import Database from 'libsql'

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS mailboxes (path TEXT PRIMARY KEY, cursor TEXT, status TEXT);
  -- A mail is stored once, wherever it is: Gmail shows it in every label. Without ids of the provider it has one home.
  CREATE TABLE IF NOT EXISTS messages (id TEXT PRIMARY KEY, home TEXT, subject TEXT, sender TEXT, date INTEGER, preview TEXT);
  CREATE TABLE IF NOT EXISTS placements (mailbox TEXT, uid INTEGER, message TEXT, flags TEXT, PRIMARY KEY (mailbox, uid));
  CREATE INDEX IF NOT EXISTS placements_of ON placements (message);`

export function openStore(file) {
  const db = new Database(file)
  db.exec(SCHEMA)
  const run = (sql, ...values) => db.prepare(sql).run(...values)
  const all = (sql, ...values) => db.prepare(sql).all(...values)

  const addMailbox = db.prepare('INSERT OR IGNORE INTO mailboxes (path) VALUES (?)')
  const addMessage = db.prepare(`INSERT INTO messages (id, home, subject, sender, date) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (id) DO NOTHING`)
  const place = db.prepare('INSERT OR REPLACE INTO placements (mailbox, uid, message, flags) VALUES (?, ?, ?, ?)')
  const setFlags = db.prepare('UPDATE placements SET flags = ? WHERE mailbox = ? AND uid = ?')
  const displace = db.prepare('DELETE FROM placements WHERE mailbox = ? AND uid = ?')

  function clear(path) {
    run('DELETE FROM placements WHERE mailbox = ?', path)
    run('DELETE FROM messages WHERE home = ?', path)
  }

  return {
    cursor: (path) => all('SELECT cursor FROM mailboxes WHERE path = ?', path)[0]?.cursor ?? null,

    /** One batch of `sync`, with its cursor. */
    apply: db.transaction((path, { reset, vanished, added, flags, cursor }) => {
      addMailbox.run(path)
      if (reset) clear(path)
      for (const uid of vanished) displace.run(path, uid)
      for (const { uid, emailId, envelope, internalDate, flags: now } of added) {
        const id = emailId ?? `${path}/${uid}`
        const from = envelope?.from[0]
        const date = (envelope?.date ?? internalDate)?.getTime() ?? null
        addMessage.run(id, emailId ? null : path, envelope?.subject ?? null, from?.name ?? from?.address ?? null, date)
        place.run(path, uid, id, JSON.stringify(now ?? []))
      }
      for (const { uid, flags: now } of flags) setFlags.run(JSON.stringify(now), path, uid)
      run('UPDATE mailboxes SET cursor = ? WHERE path = ?', cursor, path)
    }),

    /** Whether LIST-STATUS says that nothing has happened since `synced`; only a server that counts changes can say so. */
    unchanged(path, status) {
      if (status?.highestModSeq == null) return false
      return all('SELECT status FROM mailboxes WHERE path = ?', path)[0]?.status === JSON.stringify(status)
    },

    /** The whole mailbox is stored, as it was when `status` was asked for. */
    synced: (path, status) => void run('UPDATE mailboxes SET status = ? WHERE path = ?', JSON.stringify(status), path),

    /** The mailbox is gone, or its cursor is of no use. */
    forget: db.transaction((path) => {
      clear(path)
      run('DELETE FROM mailboxes WHERE path = ?', path)
    }),

    /** Once every mailbox has been looked at: forgets those that are not in `paths`, and mails that are nowhere any more. */
    sweep(paths) {
      for (const { path } of all('SELECT path FROM mailboxes')) if (!paths.includes(path)) this.forget(path)
      run('DELETE FROM messages WHERE id NOT IN (SELECT message FROM placements)')
    },

    /** Mails that are listed but whose body was not looked at yet, newest first. */
    unparsed: (path, most) =>
      all(
        `SELECT uid, id FROM placements JOIN messages ON id = message
        WHERE mailbox = ? AND preview IS NULL ORDER BY uid DESC LIMIT ?`,
        path,
        most,
      ),
    savePreview: (id, preview) => void run('UPDATE messages SET preview = ? WHERE id = ?', preview, id),

    counts: () =>
      all(`SELECT path, count(uid) AS mails, sum(flags NOT LIKE '%\\Seen%') AS unseen, cursor
        FROM mailboxes LEFT JOIN placements ON mailbox = path GROUP BY path`),
    mails: () => all('SELECT count(*) AS n FROM messages')[0].n,
    newest: (path, most) =>
      all(
        `SELECT subject, sender, preview FROM placements JOIN messages ON id = message
        WHERE mailbox = ? ORDER BY uid DESC LIMIT ?`,
        path,
        most,
      ),
    close: () => db.close(),
  }
}
