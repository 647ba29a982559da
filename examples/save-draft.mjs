// A draft: built as bytes, kept in the mailbox that the server uses for drafts.

import { buildMessage, ImapClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions, user }) => {
  const imap = await ImapClient.connect(imapOptions)
  const drafts = (await imap.list()).find(({ specialUse }) => specialUse === 'drafts')
  const bytes = await buildMessage({ from: user, subject: 'Not finished yet', html: '<p>Dear …</p>' })
  const { uid } = await imap.append(drafts.path, bytes, { flags: ['\\Draft', '\\Seen'] })
  console.log(`${drafts.path}, UID ${uid}, ${bytes.length} bytes`)
  await imap.logout()
})
