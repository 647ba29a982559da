import { afterEach, describe, expect, it } from 'vitest'
import { Raw, startPlain, USER } from './imap-support'

type World = Awaited<ReturnType<typeof startPlain>>
interface Login {
  mechanism: string
  user: string | null
  password: string | null
  token: string | null
}

const worlds: World[] = []
afterEach(async () => {
  for (const world of worlds.splice(0)) await world.stop()
})

async function start(options: Parameters<typeof startPlain>[0] = {}) {
  const seen: Login[] = []
  const world = await startPlain({
    authenticate: async (credentials) => {
      seen.push(credentials)
      if (credentials.token === 'dead')
        throw Object.assign(new Error('no'), { challenge: { status: '401', schemes: 'bearer', scope: 'x' } })
      if (credentials.token === 'other')
        throw Object.assign(new Error('no'), { text: 'User is authenticated but not connected.', tagged: 'BAD' })
      if (credentials.password === 'wrong') throw new Error('no')
      return { user: credentials.user ?? USER }
    },
    ...options,
  })
  worlds.push(world)
  const client = await world.raw('greeting')
  return { world, client, seen }
}

const base64 = (text: string) => Buffer.from(text).toString('base64')
const xoauth2 = (token: string) => base64(`user=${USER}\x01auth=Bearer ${token}\x01\x01`)
const bearer = (token: string) => base64(`n,a=${USER},\x01host=h\x01port=143\x01auth=Bearer ${token}\x01\x01`)

describe('mechanisms', () => {
  it.each([
    ['PLAIN', base64(`\0${USER}\0secret`), { user: USER, password: 'secret' }],
    ['XOAUTH2', xoauth2('good'), { user: USER, token: 'good' }],
    ['OAUTHBEARER', bearer('good'), { user: USER, token: 'good' }],
    ['OAUTHBEARER', base64('n,,\x01auth=Bearer good\x01\x01'), { user: null, token: 'good' }],
  ])('%s with and without initial response', async (mechanism, response, wanted) => {
    const first = await start()
    expect((await first.client.command(`AUTHENTICATE ${mechanism} ${response}`)).text).toMatch(
      /^\[CAPABILITY IMAP4rev1 .* MOVE .*\] Logged in$/,
    )
    expect(first.seen[0]).toMatchObject({ mechanism, ...wanted })
    const second = await start()
    expect((await second.client.command(`AUTHENTICATE ${mechanism}`, response)).status).toBe('OK')
    expect(second.seen[0]).toMatchObject({ mechanism, ...wanted })
  })

  it('LOGIN asks twice', async () => {
    const { client, seen } = await start()
    client.write('a AUTHENTICATE LOGIN\r\n')
    expect(await client.response()).toBe(`+ ${base64('Username:')}`)
    client.write(`${base64('someone@x.example')}\r\n`)
    expect(await client.response()).toBe(`+ ${base64('Password:')}`)
    client.write(`${base64('pass word')}\r\n`)
    expect(await client.response()).toMatch(/^a OK /)
    expect(seen[0]).toMatchObject({ user: 'someone@x.example', password: 'pass word' })
  })

  it('the LOGIN command takes atoms, quoted strings and literals', async () => {
    const { client, seen } = await start()
    expect((await client.command('LOGIN "a\\"b@x.example" {5}', 'p"w d')).status).toBe('OK')
    expect(seen[0]).toMatchObject({ mechanism: 'LOGIN', user: 'a"b@x.example', password: 'p"w d' })
  })

  it('refuses what is no response', async () => {
    const { client } = await start()
    for (const response of ['!!!', base64('nonsense'), '=', base64(`user=${USER}\x01auth=Basic x\x01\x01`)]) {
      expect((await client.command(`AUTHENTICATE XOAUTH2 ${response}`)).status).toBe('BAD')
    }
    expect((await client.command('AUTHENTICATE NTLM')).status).toBe('NO')
    expect((await client.command('AUTHENTICATE PLAIN', '*')).status).toBe('BAD')
    expect((await client.command(`AUTHENTICATE XOAUTH2 ${xoauth2('good')}`)).status).toBe('OK')
  })
})

describe('refusal', () => {
  it.each([
    ['XOAUTH2', xoauth2('dead'), ''],
    ['OAUTHBEARER', bearer('dead'), 'AQ=='],
  ])('%s: a challenge in JSON, then NO', async (mechanism, response, answer) => {
    const { client } = await start()
    client.write(`a AUTHENTICATE ${mechanism} ${response}\r\n`)
    const challenge = (await client.response()) ?? ''
    expect(JSON.parse(Buffer.from(challenge.slice(2), 'base64').toString())).toEqual({
      status: '401',
      schemes: 'bearer',
      scope: 'x',
    })
    client.write(`${answer}\r\n`)
    expect(await client.response()).toBe('a NO [AUTHENTICATIONFAILED] Authentication failed.')
    expect((await client.command(`AUTHENTICATE XOAUTH2 ${xoauth2('good')}`)).status).toBe('OK')
  })

  it('a wrong password: NO at once', async () => {
    const { client } = await start()
    expect(await client.command(`LOGIN ${USER} wrong`)).toMatchObject({
      status: 'NO',
      text: '[AUTHENTICATIONFAILED] Authentication failed.',
    })
    expect(await client.command(`AUTHENTICATE PLAIN ${base64(`\0${USER}\0wrong`)}`)).toMatchObject({
      status: 'NO',
      untagged: [],
    })
  })

  it('Exchange: no challenge, and its own words', async () => {
    const { client } = await start({ personality: 'exchange' })
    expect(await client.command(`AUTHENTICATE XOAUTH2 ${xoauth2('dead')}`)).toEqual({
      untagged: [],
      status: 'NO',
      text: 'AUTHENTICATE failed.',
    })
    expect(await client.command(`AUTHENTICATE XOAUTH2 ${xoauth2('other')}`)).toMatchObject({
      status: 'BAD',
      text: 'User is authenticated but not connected.',
    })
    expect(await client.command(`LOGIN ${USER} wrong`)).toMatchObject({ status: 'NO', text: 'LOGIN failed.' })
    expect((await client.command('AUTHENTICATE OAUTHBEARER')).status).toBe('NO')
  })
})

describe('expiry', () => {
  it('ends the session when its token does', async () => {
    const { client } = await start({
      personality: 'exchange',
      authenticate: async () => ({ user: USER, expiresAt: Date.now() + 50 }),
    })
    await client.command(`LOGIN ${USER} x`)
    expect(await client.response()).toBe('* BYE Session invalidated - AccessTokenExpired')
    expect(await client.response()).toBeNull()
  })
})

describe('the log', () => {
  it('never shows a password or a token', async () => {
    const lines: string[] = []
    const { world, client } = await start({ log: ({ line }) => void lines.push(line) })
    await client.command(`AUTHENTICATE PLAIN ${base64(`\0${USER}\0canary`)}`)
    for (const [command, ...literals] of [
      ['LOGIN x "canary"'],
      ['LOGIN x {6}', 'canary'],
      [`AUTHENTICATE XOAUTH2 ${xoauth2('canary')}`],
    ]) {
      const other = await Raw.connect(world.server.port)
      await other.command(command, ...literals)
      other.close()
    }
    const log = lines.join('\n')
    expect(log).toContain('LOGIN …')
    expect(log).not.toMatch(/canary|Y2FuYXJ5|jYW5hcn|AuYXJ5/)
    expect(log).not.toContain(xoauth2('canary'))
  })
})
