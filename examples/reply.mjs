// An answer to all, with the quoted original, in the same conversation.

import { ImapClient, replyTo, SmtpClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions, smtpOptions, user, world }) => {
  const imap = await ImapClient.connect(imapOptions)
  const [uid] = await imap.search('INBOX', { from: world.accounts[1].user })
  const { message: original } = await imap.fetchOne('INBOX', uid, { message: { attachments: 'content' } })
  const answer = replyTo(original, { from: user, self: [user], all: true, text: 'Yes, Tuesday suits me.' })

  const smtp = await SmtpClient.connect(smtpOptions)
  const { messageId } = await smtp.send(answer)
  await smtp.close()
  await imap.addFlags('INBOX', uid, ['\\Answered'])
  console.log(`${answer.subject}: ${messageId} answers ${answer.inReplyTo}`)
  await imap.logout()
})
