// The newest mails as a list shows them. Parsing and sanitising happen on Rust threads.

import { ImapClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions }) => {
  const imap = await ImapClient.connect(imapOptions)
  const query = { flags: true, message: { sanitizeHtml: { cid: 'data-uri' } } }
  for await (const { uid, flags, message } of imap.fetch('INBOX', { newest: 10 }, query)) {
    const { from, subject, preview, safeHtml, attachments } = message
    console.log(`${uid} ${flags.includes('\\Seen') ? ' ' : '●'} ${from[0]?.name ?? from[0]?.address}: ${subject}`)
    console.log(`    ${preview.slice(0, 70)}`)
    console.log(`    ${safeHtml?.length ?? 0} characters of safe HTML, ${attachments.length} attachments`)
  }
  await imap.logout()
})
