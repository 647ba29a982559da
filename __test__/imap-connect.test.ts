import { expect, test } from 'vitest'

import { ImapClient } from '../index'
import { account, imap, imapOptions, onEveryImap } from './backends'
import { failing } from './failing'

onEveryImap('connecting', (backend) => {
  test('as the server has it: with an access token, or a password', async () => {
    const client = await imap(backend, 'boundary')
    expect(client.closed).toBe(false)
    expect(client.capabilities).toContain('IMAP4rev1')
    await client.logout()
    expect(client.closed).toBe(true)
  })

  test('with a password', async () => {
    const { user, password } = account(backend, 'boundary')
    const client = await imap(backend, 'boundary', { auth: { user, password } })
    await client.logout()
  })

  test('by STARTTLS', async () => {
    const client = await imap(backend, 'boundary', backend.imapStarttls)
    expect(await client.status('INBOX')).toMatchObject({ messages: expect.any(Number) })
    await client.logout()
  })

  test('an unknown CA is a tls error that nothing turns off', async () => {
    const error = await failing(imap(backend, 'boundary', { ca: undefined }))
    expect(error).toMatchObject({
      code: 'CERTIFICATE_UNTRUSTED',
      category: 'tls',
      action: 'fix-config',
      protocol: 'imap',
    })
  })

  test('a wrong password asks the user', async () => {
    const { user } = account(backend, 'bad')
    const error = await failing(imap(backend, 'bad', { auth: { user, password: 'wrong' } }))
    expect(error).toMatchObject({
      code: 'AUTHENTICATION_FAILED',
      category: 'auth',
      action: 'reauthorize',
      retryable: false,
    })
  })

  test.each([
    ['user', (evil: string) => ({ user: evil, password: 'x' })],
    ['password', (evil: string) => ({ user: 'a@contoso.example', password: evil })],
    ['token', (evil: string) => ({ user: 'a@contoso.example', accessToken: evil })],
  ])('control characters in the %s are refused before a byte is sent', async (_what, auth) => {
    for (const evil of ['a\r\nb', 'a\nA1 LOGOUT', 'a\0b']) {
      const error = await failing(imap(backend, 'bad', { auth: auth(evil) }))
      expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', category: 'argument', action: 'fix-input' })
      expect(error.message).not.toContain(evil)
    }
  })

  test('logout settles a pending call and is idempotent', async () => {
    const client = await imap(backend, 'boundary')
    const pending = client.status('INBOX').catch((error) => error)
    await client.logout()
    await client.logout()
    client.close()
    const settled = await pending
    if (settled instanceof Error) expect(settled).toMatchObject({ code: 'CLOSED' })
    expect(await failing(client.status('INBOX'))).toMatchObject({ code: 'CLOSED' })
  })

  test('an abort before the call never connects', async () => {
    const error = await failing(ImapClient.connect({ ...imapOptions(backend, 'bad'), signal: AbortSignal.abort() }))
    expect(error).toMatchObject({ code: 'ABORTED', category: 'aborted' })
  })
})

onEveryImap('connecting with an access token', (backend) => {
  if (backend.passwords) {
    test('what takes passwords only says so before a token is told to it', async () => {
      const { user, token } = account(backend, 'bad')
      const error = await failing(imap(backend, 'bad', { auth: { user, accessToken: token } }))
      expect(error).toMatchObject({ code: 'MECHANISM_UNAVAILABLE', category: 'auth', action: 'fix-config' })
    })
    return
  }

  test('with a token callback, asked at login', async () => {
    const { user, token } = account(backend, 'boundary')
    let asked = 0
    const accessToken = async () => {
      asked += 1
      return token
    }
    const client = await imap(backend, 'boundary', { auth: { user, accessToken } })
    expect(asked).toBe(1)
    await client.logout()
  })

  test('an expired token asks the user', async () => {
    const { user, expiredToken } = account(backend, 'bad')
    const error = await failing(imap(backend, 'bad', { auth: { user, accessToken: expiredToken } }))
    expect(error).toMatchObject({ code: 'TOKEN_REFUSED', category: 'auth', action: 'reauthorize', protocol: 'imap' })
  })

  test('a token of somebody else is refused', async () => {
    const error = await failing(
      imap(backend, 'bad', { auth: { user: 'nobody@contoso.example', accessToken: account(backend, 'bad').token } }),
    )
    expect(['auth', 'permission']).toContain(error.category)
  })
})
