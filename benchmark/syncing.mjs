// What lines about sync prepare: a mailbox of their own, and what a process of before has stored of it.

import { createRequire } from 'node:module'

import { runContender } from './children.mjs'
import { onMailbox } from './prepare.mjs'

/** The cursor is made by another process: a first sync is not what is measured, nor is its memory. */
export async function prepareSync(line, given, bench, server = {}) {
  const prepared = await onMailbox('small', { owner: line }, server)(given, bench)
  const stored = await runContender('sync', 'first', prepared.given)
  return { ...prepared, given: { ...prepared.given, ...stored } }
}

/** By another client: new mails, and flags set or removed. */
export async function changeMailbox({ host, port, ca, user, password }, { added, flagged }) {
  const { ImapClient } = createRequire(import.meta.url)('../index.js')
  const client = await ImapClient.connect({ host, port, tls: 'implicit', ca, auth: { user, password } })
  for (let i = 0; i < added; i++) {
    await client.append('INBOX', Buffer.from(`From: ada@contoso.example\r\nSubject: New ${i}\r\n\r\nHello.\r\n`))
  }
  const some = Array.from({ length: flagged }, (_, i) => 100 + 7 * i)
  const set = new Set(await client.search('INBOX', { flagged: true, uid: some }))
  const [on, off] = [some.filter((uid) => !set.has(uid)), some.filter((uid) => set.has(uid))]
  if (on.length > 0) await client.addFlags('INBOX', on, ['\\Flagged'])
  if (off.length > 0) await client.removeFlags('INBOX', off, ['\\Flagged'])
  await client.logout()
}
