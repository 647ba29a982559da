// A draft: built as bytes, its blind recipients with them, kept in the mailbox that the server uses for drafts.

import { buildMessage, ImapClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions, user }) => {
  const imap = await ImapClient.connect(imapOptions)
  const drafts = (await imap.list()).find(({ specialUse }) => specialUse === 'drafts')
  const message = { from: user, bcc: 'board@contoso.example', subject: 'Not finished yet', html: '<p>Dear …</p>' }
  const bytes = await buildMessage(message, { keepBcc: true })
  const { uid } = await imap.append(drafts.path, bytes, { flags: ['\\Draft', '\\Seen'] })
  console.log(`${drafts.path}, UID ${uid}, ${bytes.length} bytes`)
  await imap.logout()
})
