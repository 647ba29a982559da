// The copy in Sent. Microsoft and Google file it by themselves; elsewhere the sender does, or the user never sees what was sent.

import { buildMessage, ImapClient, SmtpClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions, smtpOptions, user, world }) => {
  const to = [world.accounts[1].user]
  // Built once: what is filed is what was sent, octet for octet. Blind copies stand in the envelope only.
  const raw = await buildMessage({ from: user, to, subject: 'Our offer', text: 'As discussed.' })

  const smtp = await SmtpClient.connect(smtpOptions)
  const { messageId, sentCopy } = await smtp.send({ envelope: { from: user, to }, raw })
  await smtp.close()
  if (sentCopy === 'server') {
    console.log(`${messageId} is in Sent already`)
    return
  }

  const imap = await ImapClient.connect(imapOptions)
  // By its special use: it is called Sent, Sent Items, Gesendet, 已发送 …
  const sent = (await imap.list()).find(({ specialUse }) => specialUse === 'sent')
  const { uid } = await imap.append(sent.path, raw, { flags: ['\\Seen'] })
  console.log(`${messageId} filed in "${sent.path}" as UID ${uid}`)
  await imap.logout()
})
