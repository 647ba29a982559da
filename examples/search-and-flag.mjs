// Unread mails of the last month with "invoice" in the subject: mark them as read, all at once.

import { ImapClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions }) => {
  const imap = await ImapClient.connect(imapOptions)
  const since = new Date(Date.now() - 30 * 24 * 3600 * 1000)
  const { uidValidity } = await imap.status('INBOX')
  const uids = await imap.search('INBOX', { seen: false, since, or: [{ subject: 'invoice' }, { subject: 'Rechnung' }] })
  // With `uidValidity`, the call rejects instead of touching other messages if the mailbox was rebuilt meanwhile.
  if (uids.length > 0) await imap.addFlags('INBOX', uids, ['\\Seen'], { uidValidity })
  console.log(`${uids.length} marked as read`)
  await imap.logout()
})
