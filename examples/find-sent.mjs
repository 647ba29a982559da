// `delivery: 'unknown'`: the connection broke between the end of the message and the server's answer. The addon never sends
// such a message again by itself; whoever wants to looks into Sent first. (Where nobody files a copy, only the user can tell.)

import { ImapClient, SmtpClient, withWorld } from './mailbox.mjs'

/** The message in Sent, or null: by its Message-ID, which servers may replace; then by recipients, subject and time. */
async function findSent(imap, { messageId, to, subject, since }) {
  const sent = (await imap.list()).find(({ specialUse }) => specialUse === 'sent')
  const [known] = await imap.search(sent.path, { header: { 'message-id': messageId } })
  if (known !== undefined) return { uid: known, by: 'Message-ID' }
  // SINCE knows only days: the minute is ours to compare.
  const candidates = await imap.search(sent.path, { to: to[0], subject, since })
  if (candidates.length === 0) return null
  for await (const { uid, envelope, internalDate } of imap.fetch(sent.path, candidates, {
    envelope: true,
    internalDate: true,
  })) {
    const recipients = [...envelope.to, ...envelope.cc].map(({ address }) => address.toLowerCase())
    const same = envelope.subject === subject && to.every((one) => recipients.includes(one.toLowerCase()))
    if (same && internalDate.getTime() >= since.getTime() - 60_000) return { uid, by: 'recipients, subject and time' }
  }
  return null
}

await withWorld(async ({ imapOptions, smtpOptions, user, world }) => {
  const smtp = await SmtpClient.connect(smtpOptions)
  const imap = await ImapClient.connect(imapOptions)

  const mishaps = [
    ['the server took it', { stage: 'accepted', destroy: true }, false],
    ['the server took it and replaced its Message-ID', { stage: 'accepted', destroy: true }, true],
    ['the server lost it', { stage: 'data', destroy: true }, false],
  ]
  for (const [number, [what, fault, rewrites]] of mishaps.entries()) {
    world.smtp.settings.rewriteMessageId = rewrites
    world.smtp.failNext(fault)
    // An own Message-ID, stored before sending: it is what to look for after a crash, too.
    const messageId = `<${Date.now()}.${number}@crm.example>`
    const message = { from: user, to: [world.accounts[1].user], subject: `Invoice ${number}`, text: 'x', messageId }
    const since = new Date()
    try {
      await smtp.send(message)
    } catch (error) {
      if (error.delivery !== 'unknown') throw error
      const found = await findSent(imap, { ...message, since })
      console.log(`${what}: ${error.code}, ${found ? `sent (found by ${found.by})` : 'not in Sent: send it again'}`)
      if (found === null) await smtp.send(message)
    }
  }
  await imap.logout()
  await smtp.close()
})
