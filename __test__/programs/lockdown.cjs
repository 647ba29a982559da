'use strict'

// `node lockdown.cjs before|after <ImapOptions>`: the addon loaded before or after SES freezes every built-in, as the
// host does it, and used on good and bad paths afterwards.

require('ses')

const [when, options] = process.argv.slice(2)
let addon = when === 'before' ? require('../../index.js') : null
lockdown({ errorTaming: 'unsafe', consoleTaming: 'unsafe', overrideTaming: 'severe', stackFiltering: 'verbose' })
addon ??= require('../../index.js')

const { ImapClient, MailError, microsoft, OAuthClient, parseMessage, buildMessage, replyTo } = addon

async function main() {
  const provider = microsoft({ clientId: 'id', clientSecret: 'secret' })
  new OAuthClient(provider).authorizationUrl({ redirectUri: 'https://app.example/callback' })
  expectError(() => microsoft({}))
  await expectRejection(parseMessage(5))
  await expectRejection(
    ImapClient.connect({ host: 'mail.invalid', port: 993, tls: 'implicit', auth: { user: 'a', password: 'b' } }),
  )

  const source = await buildMessage({
    from: 'a@b.example',
    to: 'c@d.example',
    subject: 'x',
    text: 'y',
    headers: { constructor: 'z' },
  })
  const message = await parseMessage(Buffer.concat([Buffer.from('__proto__: p\r\ntoString: t\r\n'), source]))
  if (message.headers['__proto__']?.[0] !== 'p') throw new Error('__proto__ got lost')
  if (message.headers.constructor?.[0] !== 'z') throw new Error('constructor got lost')
  replyTo(message, { from: 'c@d.example' })

  const client = await ImapClient.connect(JSON.parse(options))
  for await (const { headers } of client.fetch(
    'INBOX',
    { newest: 2 },
    { headers: true, envelope: true, message: true },
  )) {
    if (Object.getPrototypeOf(headers) !== null) throw new Error('headers have a prototype')
  }
  await expectRejection(client.status('no such mailbox'))
  await client.logout()
  console.log('locked down')
}

function expectError(work) {
  try {
    work()
  } catch (error) {
    return expectMailError(error)
  }
  throw new Error('expected an error')
}

async function expectRejection(promise) {
  const error = await promise.then(
    () => null,
    (reason) => reason,
  )
  expectMailError(error)
}

function expectMailError(error) {
  if (!(error instanceof MailError && error instanceof Error)) throw new Error(`not a MailError: ${error}`)
  if (error.name !== 'MailError' || typeof error.code !== 'string' || error.message === '') throw error
}

main().catch((error) => {
  console.log(error)
  process.exit(1)
})
