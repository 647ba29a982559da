import { inspect } from 'node:util'

import { describe, expect, test } from 'vitest'

import { google, ImapClient, microsoft, OAuthClient, setLogger, SmtpClient } from '../index'
import { account, imap, onSmtp, smtp } from './backends'

const CANARY = 'CANARY-5f1c2a4e86e14d0c'

/** Everything that could be printed of a value, hidden properties included. */
function printed(value: unknown): string {
  const texts = [inspect(value, { depth: 10, showHidden: true, getters: true }), String(value)]
  try {
    texts.push(JSON.stringify(value))
  } catch {
    // Not every value has a JSON form.
  }
  if (value instanceof Error) texts.push(value.stack ?? '', value.message)
  return texts.join('\n')
}

describe('secrets never show', () => {
  test('in providers, clients, sources', () => {
    const provider = microsoft({ clientId: 'app', clientSecret: CANARY })
    const client = new OAuthClient(provider)
    const now = new Date()
    const source = client.tokenSource({
      tokens: {
        accessToken: CANARY,
        refreshToken: CANARY,
        idToken: null,
        tokenType: 'Bearer',
        scopes: [],
        expiresAt: new Date(now.getTime() + 3_600_000).toISOString(),
        obtainedAt: now.toISOString(),
      },
    })
    for (const value of [provider, client, source, google({ clientId: 'app', clientSecret: CANARY })]) {
      expect(printed(value)).not.toContain(CANARY)
    }
  })

  test.each([
    ['clientSecret', () => microsoft({ clientId: 'app', clientSecret: `${CANARY}\r\n` })],
    [
      'proxy',
      () => new OAuthClient(microsoft({ clientId: 'a', clientSecret: 'b' }), { proxy: `nonsense://u:${CANARY}@h` }),
    ],
    [
      'tokens',
      () =>
        new OAuthClient(microsoft({ clientId: 'a', clientSecret: 'b' })).tokenSource({
          tokens: { accessToken: CANARY } as never,
        }),
    ],
  ])('in the error about a bad %s', (_what, make) => {
    try {
      make()
    } catch (error) {
      expect(printed(error)).not.toContain(CANARY)
      return
    }
    throw new Error('expected a MailError')
  })
})

onSmtp('secrets', (backend) => {
  test('in errors and log lines of refused logins', async () => {
    const lines: unknown[] = []
    setLogger((line) => lines.push(line))
    const { user } = account(backend, 'secrets')
    const outcomes = await Promise.allSettled([
      imap(backend, 'secrets', { auth: { user, password: CANARY } }),
      imap(backend, 'secrets', { auth: { user, accessToken: CANARY } }),
      imap(backend, 'secrets', { auth: { user, accessToken: async () => CANARY } }),
      smtp(backend, 'secrets', { auth: { user, password: CANARY } }),
      smtp(backend, 'secrets', { auth: { user, accessToken: CANARY } }),
      imap(backend, 'secrets', { auth: { user, accessToken: async () => Promise.reject(new Error(CANARY)) } }),
      ImapClient.connect({ ...backend.imap, ca: backend.ca, auth: { user, password: `${CANARY}\n` } }),
      SmtpClient.connect({ ...backend.smtp, ca: backend.ca, auth: { user, accessToken: `${CANARY}\x01` } }),
    ])
    await new Promise((resolve) => setTimeout(resolve, 100))
    setLogger(null)
    expect(outcomes.map(({ status }) => status)).toEqual(outcomes.map(() => 'rejected'))
    for (const outcome of outcomes) expect(printed((outcome as PromiseRejectedResult).reason)).not.toContain(CANARY)
    const base64 = Buffer.from(CANARY).toString('base64').slice(0, 12)
    expect(printed(lines)).not.toContain(CANARY)
    expect(printed(lines)).not.toContain(base64)
  })

  test('in a live client', async () => {
    const { user, token } = account(backend, 'secrets')
    const client = await imap(backend, 'secrets', { auth: { user, accessToken: token } })
    expect(printed(client)).not.toContain(token)
    await client.logout()
  })
})
