import { expect, test } from 'vitest'

import { parseMessage } from '../index'
import { imap, onImap } from './backends'
import { all } from './failing'

/** Longer than what crosses the border at once, and no multiple of it: characters of one and two code units, cut anywhere. */
const texts = {
  ASCII: 'abcdefg '.repeat(400_000),
  'two bytes a character': 'Grüße, 你好 '.repeat(200_000),
  'surrogate pairs': `x${'😀'.repeat(700_000)}`,
}

const subject = '长主题 '.repeat(400)

const mailOf = (text: string) =>
  Buffer.from(`Subject: ${subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${text.trimEnd()}`)

test.each(Object.entries(texts))('%s: a text of megabytes comes whole', async (_, text) => {
  const message = await parseMessage(mailOf(text))
  // Not `toBe`: a failure would print megabytes.
  expect(message.text === text.trimEnd()).toBe(true)
  expect(message).toMatchObject({ subject: subject.trim(), baseSubject: subject.trim(), defects: [] })
  expect(message.headers['subject']).toEqual([subject.trim()])
})

onImap('a page of long texts', (backend) => {
  test('has each in its message', async () => {
    const client = await imap(backend, 'boundary')
    const path = 'Long texts'
    await client.create(path)
    for (const text of Object.values(texts)) await client.append(path, mailOf(text))
    const query = { envelope: true, headers: true, message: true } as const
    const fetched = await all(client.fetch(path, '1:*', query))
    const batches = await all(client.sync(path, null, { fetch: query }))
    for (const messages of [fetched, batches.flatMap(({ added }) => added)]) {
      const whole = messages.map(({ message }) =>
        Object.values(texts).findIndex((text) => message?.text === text.trimEnd()),
      )
      expect(whole.toSorted()).toEqual([0, 1, 2])
    }
    for (const { headers, envelope } of fetched) {
      expect(envelope?.subject?.length).toBe(subject.trim().length)
      expect(headers?.['subject']).toHaveLength(1)
    }
    await client.logout()
  })
})
