// A mail with everything. Attachments from `path` are streamed and never held whole.

import { fileURLToPath } from 'node:url'

import { SmtpClient, withWorld } from './mailbox.mjs'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

await withWorld(async ({ smtpOptions, user, world }) => {
  const smtp = await SmtpClient.connect(smtpOptions)
  const { accepted, rejected, messageId, sentCopy } = await smtp.send({
    from: { name: 'Robin Sample', address: user },
    to: [world.accounts[1].user, 'nobody-here@contoso.example'],
    subject: 'Angebot 見積書',
    text: 'The offer is attached.',
    html: '<p>The offer is attached. <img src="cid:logo" alt=""></p>',
    attachments: [
      { path: fileURLToPath(import.meta.url), filename: 'Angebot 見積書.txt' },
      { content: Buffer.from(PIXEL, 'base64'), filename: 'logo.png', contentType: 'image/png', contentId: 'logo' },
    ],
  })
  console.log(`${messageId} accepted for ${accepted.join(', ')}; the ${sentCopy} files the copy`)
  for (const { address, error } of rejected) console.log(`refused: ${address}: ${error.server.text} → ${error.action}`)
  await smtp.close()
})
