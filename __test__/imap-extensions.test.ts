import { createHash, randomBytes } from 'node:crypto'

import { expect, test } from 'vitest'

import { imap, lacks, mailOf, onImap } from './backends'

const sha = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')

onImap('extensions', (backend) => {
  test('COMPRESS: mail of every kind comes and goes unchanged', async () => {
    const plain = await imap(backend, 'boundary')
    const client = await imap(backend, 'boundary', { compress: true })
    expect(client.capabilities).toContain('COMPRESS=DEFLATE')
    const path = `Compressed ${Date.now()}`
    await client.create(path)
    const noise = randomBytes(600_000).toString('base64').replace(/.{76}/g, '$&\r\n')
    const bodies = ['short', 'x'.repeat(990).concat('\r\n').repeat(2000), noise]
    for (const [index, body] of bodies.entries()) await client.append(path, mailOf(`m${index}`, body))
    const found: string[] = []
    for await (const message of client.fetch(path, '1:*', { source: true, envelope: true })) {
      expect(message.degraded).toBeNull()
      found.push(sha(message.source as Buffer))
    }
    const expected: string[] = []
    for await (const message of plain.fetch(path, '1:*', { source: true })) expected.push(sha(message.source as Buffer))
    expect(found).toEqual(expected)
    expect(found).toHaveLength(3)
    const [largest] = (await client.search(path, { subject: 'm2' })) as [number]
    const chunks: Buffer[] = []
    for await (const chunk of client.download(path, largest)) chunks.push(chunk)
    expect(sha(Buffer.concat(chunks))).toBe(expected[2])
    await client.deleteMailbox(path)
    await Promise.all([client.logout(), plain.logout()])
  })

  test('a download of more than is asked for ahead comes whole, though a server completes it all at once', async () => {
    const client = await imap(backend, 'boundary')
    const limit = client.capabilities.find((word) => word.startsWith('APPENDLIMIT='))?.slice('APPENDLIMIT='.length)
    const lines = Math.min(800_000, Math.floor(Number(limit ?? Infinity) / 78) - 1)
    const mail = Buffer.from(`Subject: Large\r\n\r\n${`${'A'.repeat(76)}\r\n`.repeat(lines)}`)
    const { uid } = await client.append('INBOX', mail)
    let [bytes, same] = [0, true]
    for await (const chunk of client.download('INBOX', uid!)) {
      same &&= chunk.equals(mail.subarray(bytes, bytes + chunk.length))
      bytes += chunk.length
    }
    expect([bytes, same]).toEqual([mail.length, true])
    await client.delete('INBOX', uid!)
    await client.logout()
  })

  test('names, texts and headers beyond ASCII, whatever the server takes them in', async () => {
    const client = await imap(backend, 'boundary')
    const path = `Entwürfe & 草稿 ${Date.now()}`
    await client.create(path)
    const names = (await client.list()).map((mailbox) => mailbox.path)
    expect(names).toContain(path)
    const subject = 'Grüße aus 北京'
    const { uid } = await client.append(path, mailOf(subject, 'Hello.'))
    const found = await client.search(path, { subject: 'Grüße' })
    expect(found).toEqual(lacks.rawHeaderSearch(backend) ? [] : [uid])
    const message = await client.fetchOne(path, uid as number, { envelope: true, message: true })
    expect(message?.envelope?.subject).toBe(subject)
    expect(message?.message?.subject).toBe(subject)
    const renamed = `${path} – neu`
    await client.rename(path, renamed)
    expect(await client.status(renamed)).toMatchObject({ messages: 1 })
    await client.deleteMailbox(renamed)
    await client.logout()
  })
})
