import { inspect } from 'node:util'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { diagnose, ImapClient, microsoft, OAuthClient, SmtpClient } from '../index'
import type { MailError, TokenSet } from '../index'
import { startMailWorld } from '@nocobase/email-native-simulator'
import type { MailWorld } from '@nocobase/email-native-simulator'

import { failing } from './failing'

/** None of them is what the table says of the code. */
const FIELDS = {
  code: 'INVALID_GRANT',
  category: 'quota',
  action: 'ask-admin',
  protocol: 'imap',
  scope: 'mailbox',
  retryable: true,
  retryAfterMs: 61_234,
  server: { status: '418', text: 'No tea today', code: 'teapot', details: { errorCodes: [50173], traceId: 't-1' } },
}

/** As another copy of the addon in the process throws them: of another class, which has the name only. */
function foreign(changes: object = {}): Error {
  return Object.assign(new Error('the vault is shut'), { name: 'MailError', ...FIELDS, ...changes })
}

describe('a MailError that a function of the caller throws keeps its fields', () => {
  let world: MailWorld
  let client: OAuthClient
  let user: string

  beforeAll(async () => {
    world = await startMailWorld({ seed: 3 })
    user = world.accounts[0].user
    client = new OAuthClient(microsoft(world.microsoft), { ca: world.ca })
  })
  afterAll(() => world?.stop())

  async function expired(): Promise<TokenSet> {
    return { ...(await world.issueTokens(user)), expiresAt: new Date(Date.now() - 1000).toISOString() }
  }

  /** Every place where a function of the caller's is called, and what its failure becomes. */
  const PLACES: Array<[string, (thrown: unknown) => Promise<MailError>]> = [
    ['accessToken of IMAP', (thrown) => failing(imapWith(thrown))],
    [
      'accessToken of SMTP',
      (thrown) => failing(SmtpClient.connect({ ...client.provider.smtp!, ca: world.ca, auth: authWith(thrown) })),
    ],
    [
      'accessToken of diagnose',
      async (thrown) => {
        const { steps } = await diagnose({ auth: authWith(thrown), imap: client.provider.imap!, ca: world.ca })
        return steps.find(({ step }) => step === 'token')!.error!
      },
    ],
    [
      'save',
      async (thrown) => {
        const source = client.tokenSource({ tokens: await expired(), save: () => Promise.reject(thrown) })
        return failing(source.accessToken())
      },
    ],
    [
      'load',
      async (thrown) => {
        world.oauth.failNext({ aadsts: 70000 })
        const source = client.tokenSource({ tokens: await expired(), load: () => Promise.reject(thrown) })
        return failing(source.accessToken())
      },
    ],
    [
      'save, below a client',
      async (thrown) => {
        const source = client.tokenSource({ tokens: await expired(), save: () => Promise.reject(thrown) })
        const auth = { user, accessToken: source }
        return failing(ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth }))
      },
    ],
  ]

  function authWith(thrown: unknown) {
    return { user, accessToken: () => Promise.reject(thrown) }
  }

  function imapWith(thrown: unknown) {
    return ImapClient.connect({ ...client.provider.imap!, ca: world.ca, auth: authWith(thrown) })
  }

  test.each(PLACES)('all of them, whatever the table says: %s', async (_place, failed) => {
    const error = await failed(foreign())
    expect(error).toMatchObject(FIELDS)
    expect(error.server).toEqual(FIELDS.server)
    expect(error.message).toContain('the vault is shut')
  })

  test.each(PLACES)('one of the provider’s, unchanged: %s', async (_place, failed) => {
    world.oauth.failNext({ aadsts: 53003, claims: '{"access_token":{}}' })
    const thrown = await failing(client.refresh('another'))
    const { code, category, action, protocol, scope, retryable, retryAfterMs, server } = thrown
    expect(server?.details).toMatchObject({ errorCodes: [53003] })
    expect(await failed(thrown)).toMatchObject({
      code,
      category,
      action,
      protocol,
      scope,
      retryable,
      retryAfterMs,
      server,
    })
  })

  test.each(PLACES)('without any, of wrong types, of a code that is not known here: %s', async (_place, failed) => {
    const bare = await failed(Object.assign(new Error('x'), { name: 'MailError', code: 'INVALID_SCOPE' }))
    expect(bare).toMatchObject({ code: 'INVALID_SCOPE', category: 'auth', action: 'fix-config', scope: 'account' })
    expect(bare).toMatchObject({ protocol: null, retryable: false, retryAfterMs: null, server: null })
    const wrong = { category: 'nonsense', action: 7, scope: {}, retryable: 'yes', retryAfterMs: -1, server: 'busy' }
    expect(await failed(foreign(wrong))).toMatchObject({
      code: 'INVALID_GRANT',
      category: 'auth',
      action: 'reauthorize',
      scope: 'account',
      retryable: false,
      retryAfterMs: null,
      server: null,
    })
    // Who has to act is told by the rest.
    expect(await failed(foreign({ code: 'OF_A_LATER_VERSION' }))).toMatchObject({ ...FIELDS, code: 'CALLBACK_FAILED' })
  })

  test.each(PLACES)(
    'what is no MailError stays CALLBACK_FAILED, and its words are told to nobody: %s',
    async (_, failed) => {
      for (const thrown of [new Error('hunter2'), 'hunter2', undefined, { ...FIELDS, name: 'MailError' }]) {
        const error = await failed(thrown)
        expect(error).toMatchObject({ code: 'CALLBACK_FAILED', category: 'internal', action: 'retry', retryable: true })
        expect(error.server).toBeNull()
        expect(error.message).not.toContain('hunter2')
      }
    },
  )

  test('tokens that it quotes are taken out, from the server’s words as well', async () => {
    const tokens = await expired()
    const source = client.tokenSource({
      tokens,
      save: async (next, previous) => {
        const said = [next, previous].flatMap((set) => [set.accessToken, set.refreshToken]).join(' ')
        const server = { status: '500', text: said, code: said, details: { said, deeper: [{ said }] } }
        throw Object.assign(foreign({ server }), { message: said })
      },
    })
    const error = await failing(source.accessToken())
    expect(error).toMatchObject({ code: 'INVALID_GRANT', server: { status: '500' } })
    expect(error.server?.details).toMatchObject({ deeper: [{ said: expect.stringContaining('[redacted]') }] })
    const printed = `${inspect(error, { depth: 9, showHidden: true })}${error.stack}${JSON.stringify(error)}`
    for (const token of [tokens.accessToken, tokens.refreshToken!]) expect(printed).not.toContain(token)
  })

  test('what is thrown among the messages of a series is the very error', async () => {
    const smtp = await SmtpClient.connect({
      ...client.provider.smtp!,
      ca: world.ca,
      auth: { user, accessToken: (await world.issueTokens(user)).accessToken },
    })
    const thrown = foreign()
    const messages = { [Symbol.asyncIterator]: () => ({ next: () => Promise.reject(thrown) }) }
    const series = async () => {
      for await (const _ of smtp.sendMany(messages)) expect.unreachable()
    }
    await expect(series()).rejects.toBe(thrown)
    await smtp.close()
  })
})
