// All mailboxes of an account into SQLite, those first that a user looks at. Each job has 15 seconds; the next one goes on where
// it stopped, also when it was killed.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { ImapClient, withWorld } from './mailbox.mjs'
import { openStore } from './mail-store.mjs'

const JOB_MS = 15_000
const FIRST_SYNC_DAYS = 60
const DAY_MS = 86_400_000

/** What a list shows; bodies come afterwards, once for each mail. */
const LIST_QUERY = { flags: true, internalDate: true, envelope: true }
const BODIES_AT_ONCE = 50

const FIRST = ['inbox', 'sent', 'drafts']
/** Whatever Gmail keeps in All Mail, Important and Starred has its place in the others: by then no body is missing. */
const LAST = ['archive', 'trash', 'junk', 'important', 'flagged', 'all']

function priority({ specialUse }) {
  if (FIRST.includes(specialUse)) return FIRST.indexOf(specialUse)
  return FIRST.length + 1 + LAST.indexOf(specialUse)
}

const defaultStart = () => new Date(Date.now() - FIRST_SYNC_DAYS * DAY_MS)

/** One job: true when all is up to date, false when time ran out; rejects with a `MailError` that says who must act. */
export async function syncAccount(imap, store, signal, since = defaultStart()) {
  try {
    const listed = await imap.list({ status: true, signal })
    const mailboxes = listed.filter(({ selectable }) => selectable).sort((a, b) => priority(a) - priority(b))
    for (const { path, status } of mailboxes) {
      if (!store.unchanged(path, status)) await syncMailbox(imap, store, path, status, { since, signal })
    }
    store.sweep(mailboxes.map(({ path }) => path))
    for (const { path } of mailboxes) await readBodies(imap, store, path, signal)
    return true
  } catch (error) {
    if (error.code === 'ABORTED') return false
    // RATE_LIMITED: run the next job after error.retryAfterMs. action 'reauthorize': ask the user. Every batch so far is kept.
    throw error
  }
}

async function syncMailbox(imap, store, path, status, options) {
  try {
    for await (const batch of imap.sync(path, store.cursor(path), { ...options, fetch: LIST_QUERY })) {
      store.apply(path, batch)
    }
    store.synced(path, status)
  } catch (error) {
    // Deleted or renamed meanwhile: the next list knows. A cursor that is of no use: the next job begins anew.
    if (error.code !== 'MAILBOX_NOT_FOUND' && error.code !== 'INVALID_CURSOR') throw error
    store.forget(path)
  }
}

async function readBodies(imap, store, path, signal) {
  for (;;) {
    const wanted = new Map(store.unparsed(path, BODIES_AT_ONCE).map(({ uid, id }) => [uid, id]))
    if (wanted.size === 0) return
    for await (const { uid, message } of imap.fetch(path, [...wanted.keys()], { message: true }, { signal })) {
      store.savePreview(wanted.get(uid), message?.preview ?? '')
      wanted.delete(uid)
    }
    // Expunged since the sync: the next one takes them away.
    for (const id of wanted.values()) store.savePreview(id, '')
  }
}

/** Two jobs in a mail world, with something new in between. */
async function main(store) {
  await withWorld(async ({ imapOptions, world, user }) => {
    const job = async (name) => {
      const imap = await ImapClient.connect(imapOptions)
      const finished = await syncAccount(imap, store, AbortSignal.timeout(JOB_MS))
      await imap.logout()
      console.log(`${name}: ${finished ? 'up to date' : 'to be continued'}`)
      for (const { path, mails, unseen, cursor } of store.counts()) {
        if (mails > 0) console.log(`  ${path}: ${mails} mails, ${unseen} unseen, a cursor of ${cursor.length} bytes`)
      }
    }

    await job('first job')
    world
      .mailbox(user)
      .deliver(Buffer.from('From: Ada <ada@contoso.example>\r\nSubject: Fresh\r\n\r\nJust arrived.\r\n'))
    await job('second job')
    for (const { subject, sender, preview } of store.newest('INBOX', 3)) {
      console.log(`${sender}: ${subject} – ${preview?.slice(0, 40)}`)
    }
  })
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = mkdtempSync(join(tmpdir(), 'sync-account-'))
  const store = openStore(join(folder, 'mail.db'))
  await main(store)
  store.close()
  rmSync(folder, { recursive: true })
}
