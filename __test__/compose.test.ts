import { describe, expect, test } from 'vitest'

import { buildMessage, forward, parseMessage, replyTo } from '../index'
import { failing } from './failing'

const from = 'ada@contoso.example'

describe('nothing stays behind unnoticed', () => {
  const attachments = [{ filename: 'offer.pdf', content: Buffer.from('%PDF') }]
  const original = () => buildMessage({ from: 'ben@elsewhere.example', to: from, text: 'See the file.', attachments })

  test('a forwarded message has the files of its original, or is refused', async () => {
    const whole = await parseMessage(await original(), { attachments: 'content' })
    expect(forward(whole, { from, to: from }).attachments).toMatchObject([
      { filename: 'offer.pdf', content: Buffer.from('%PDF') },
    ])
    const listed = await parseMessage(await original())
    const error = await failing(() => forward(listed, { from, to: from }))
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', category: 'argument', action: 'fix-input' })
    expect(error.message).toContain('"offer.pdf" has no content: parse with attachments: \'content\'')
    expect(error.stack).toContain('compose.test.ts')
  })

  test('who leaves a file out may', async () => {
    const listed = await parseMessage(await original())
    expect(forward({ ...listed, attachments: [] }, { from, to: from }).attachments).toBeUndefined()
  })

  test('an answer carries no files, and needs none', async () => {
    expect(replyTo(await parseMessage(await original()), { from }).attachments).toBeUndefined()
  })
})

describe('blind recipients', () => {
  const message = { from, to: 'ben@elsewhere.example', bcc: [{ name: 'Hidden', address: 'hidden@elsewhere.example' }] }

  test.each([[undefined], [{}], [{ keepBcc: false }]])('are not in the bytes: %j', async (options) => {
    expect((await buildMessage(message, options)).toString()).not.toMatch(/bcc|hidden/i)
  })

  test('stay in a draft that is to keep them', async () => {
    const { bcc } = await parseMessage(await buildMessage(message, { keepBcc: true, timeoutMs: 10_000 }))
    expect(bcc).toEqual(message.bcc)
  })

  test('are kept by nothing but true', async () => {
    expect(await failing(buildMessage(message, { keepBcc: 'yes' as never }))).toMatchObject({
      category: 'argument',
      message: expect.stringContaining('options.keepBcc'),
    })
  })
})
