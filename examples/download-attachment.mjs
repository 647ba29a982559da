// The first attachment of the inbox, to a file: streamed and decoded on the way, memory stays bounded.

import { createWriteStream } from 'node:fs'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'

import { ImapClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ imapOptions }) => {
  const imap = await ImapClient.connect(imapOptions)
  const folder = await mkdtemp(join(tmpdir(), 'attachments-'))
  for await (const { uid, message } of imap.fetch('INBOX', '1:*', { message: true })) {
    const file = message.attachments.find(({ inline }) => !inline)
    if (file === undefined) continue
    const path = join(folder, file.filename) // safe to join: no separators, no control characters
    await pipeline(Readable.from(imap.download('INBOX', uid, { part: file.part })), createWriteStream(path))
    console.log(`${message.subject}: ${path} (${file.size} bytes, ${file.contentType})`)
    break
  }
  await imap.logout()
})
