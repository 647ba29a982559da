// The main job, as the plugin would do it: link a mailbox, list, fetch, answer, and see the answer arrive.
//
//   npm run demo
//   npm run demo -- --diagnose
//   npm run demo -- --microsoft --client-id … --client-secret … [--tenant …] [--port 8765] [--send]

import { createRequire } from 'node:module'
import { monitorEventLoopDelay, performance } from 'node:perf_hooks'
import { parseArgs } from 'node:util'

import * as show from './show.mjs'
import { microsoftStage, simulatedStage } from './stage.mjs'

const require = createRequire(import.meta.url)
const { ImapClient, OAuthClient, replyTo, SmtpClient } = require('../index.js')

const NEWEST = 6
const LONG_FETCH = 500

const { values: options } = parseArgs({
  options: {
    diagnose: { type: 'boolean', default: false },
    microsoft: { type: 'boolean', default: false },
    'client-id': { type: 'string' },
    'client-secret': { type: 'string' },
    tenant: { type: 'string', default: 'common' },
    port: { type: 'string', default: '8765' },
    send: { type: 'boolean', default: false },
  },
})

if (options.microsoft && !(options['client-id'] && options['client-secret'])) {
  console.error('--microsoft needs --client-id and --client-secret of the app registration')
  process.exit(2)
}

if (options.diagnose) {
  await import('./diagnose.mjs')
  process.exit()
}

show.title('@nocobase/email-native: link a mailbox, read it, answer')
const stage = options.microsoft
  ? await microsoftStage({
      clientId: options['client-id'],
      clientSecret: options['client-secret'],
      tenant: options.tenant,
      port: Number(options.port),
    })
  : await simulatedStage()

try {
  await job(stage)
} catch (error) {
  show.check(`${error.code ?? error.name}: ${error.message}`, false)
  if (error.action) show.line(`who must act: ${error.action}`)
  console.error(error)
} finally {
  await stage.stop()
}
process.exitCode = show.verdict() === 0 ? 0 : 1

async function job(stage) {
  const { source, identity } = await link(stage)
  const imap = await ImapClient.connect({ ...stage.provider.imap, ...stage.connect, auth: authOf(identity, source) })
  try {
    await listMailboxes(imap)
    await newest(imap)
    await longFetch(imap)
    if (stage.world !== null) await answer(stage, imap, source, identity)
    else if (options.send) await answerSelf(stage, source, identity)
  } finally {
    await imap.logout()
  }
}

async function link({ provider, connect, redirectUri, signIn }) {
  show.step('Link: the authorization URL that the browser is sent to')
  const client = new OAuthClient(provider, connect)
  const pending = client.authorizationUrl({ redirectUri })
  show.block(pending.url)
  const callback = await signIn(pending.url)

  show.step('Redeem the callback')
  const { tokens, identity } = await client.redeem(callback, pending)
  show.line(`${identity.name} <${identity.email}>`)
  show.line('account key (tenant and object id, never an address):')
  show.block(identity.key)
  show.check('an access token and a refresh token came', tokens.accessToken !== '' && tokens.refreshToken !== null)
  show.check('the identity is proven by the id_token', identity.key.includes(':'))
  return { source: client.tokenSource({ tokens }), identity }
}

async function listMailboxes(imap) {
  show.step('Mailboxes')
  const mailboxes = await imap.list({ status: true })
  for (const { path, specialUse, status } of mailboxes) {
    const count = status === null ? '' : `${status.messages} messages, ${status.unseen} unread`
    show.line(`${path.padEnd(24)} ${(specialUse ?? '').padEnd(10)} ${count}`)
  }
  show.check(
    'there is an inbox',
    mailboxes.some(({ specialUse }) => specialUse === 'inbox'),
  )
}

async function newest(imap) {
  show.step(`The ${NEWEST} newest`)
  const query = { flags: true, message: true }
  const messages = []
  for await (const message of imap.fetch('INBOX', { newest: NEWEST }, query)) messages.push(message)
  for (const message of messages.reverse()) show.mail(message)
  show.check('each has a sender, a date and a conversation', messages.every(isWhole))
}

function isWhole({ message, degraded }) {
  return degraded === null && message.from.length > 0 && message.date !== null && message.threadKey !== ''
}

async function longFetch(imap) {
  show.step('Fetch and parse the newest of the inbox, every body and attachment list')
  const { messages: there } = await imap.status('INBOX')
  const total = Math.min(there, LONG_FETCH)
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const before = performance.eventLoopUtilization()
  const started = performance.now()
  delay.enable()
  let done = 0
  let octets = 0
  for await (const { size } of imap.fetch('INBOX', { newest: LONG_FETCH }, { size: true, message: true })) {
    octets += size
    show.progress(++done, total)
  }
  delay.disable()
  const seconds = (performance.now() - started) / 1000
  const { utilization } = performance.eventLoopUtilization(before)
  show.check(`${done} messages, ${show.bytes(octets)}`, done === total)
  show.line(`${Math.round(done / seconds)} messages/s in ${seconds.toFixed(2)} s`)
  show.line(
    `event loop: ${(utilization * 100).toFixed(0)} % busy, delay p99 ${(delay.percentile(99) / 1e6).toFixed(1)} ms`,
  )
}

/** In the embedded world the other side can be looked at, too. */
async function answer({ provider, connect, world }, imap, source, identity) {
  show.step('Answer one of them, with an attachment')
  const original = await mailFromColleague(imap, world, identity)
  const reply = replyTo(original, {
    from: { name: identity.name, address: identity.email },
    self: [identity.email],
    text: 'Thank you, this is what I noted down.\n\nSee the attachment.',
  })
  reply.attachments = [{ filename: 'notes.txt', content: 'First: the roof.\nThen: the windows.\n' }]
  const smtp = await SmtpClient.connect({ ...provider.smtp, ...connect, auth: authOf(identity, source) })
  const sent = await smtp.send(reply)
  await smtp.close()
  show.line(`${reply.subject} → ${sent.accepted.join(', ')}`)
  show.line(sent.response)
  show.check('every recipient was accepted', sent.accepted.length > 0 && sent.rejected.length === 0)

  show.step('Did it arrive, and is it one conversation?')
  const received = await receivedBy(world, sent)
  show.mail(received)
  show.check('the answer is in the recipient’s inbox', received.message.messageId === sent.messageId)
  show.check('it belongs to the same conversation', received.message.threadKey === original.threadKey)
  show.check(
    'the attachment came along',
    received.message.attachments.some(({ filename }) => filename === 'notes.txt'),
  )
}

/** The newest message of somebody whose inbox this world has. */
async function mailFromColleague(imap, world, identity) {
  const colleagues = world.accounts.map(({ user }) => user).filter((user) => user !== identity.email)
  const or = colleagues.map((from) => ({ from }))
  const uids = await imap.search('INBOX', or.length > 1 ? { or } : or[0])
  const found = await imap.fetchOne('INBOX', uids.at(-1), { message: true })
  return found.message
}

async function receivedBy(world, sent) {
  const user = sent.accepted[0]
  const accessToken = await world.issueToken(user)
  const imap = await ImapClient.connect({ ...world.imap, ca: world.ca, proxy: null, auth: { user, accessToken } })
  try {
    const [uid] = await imap.search('INBOX', { header: { 'message-id': sent.messageId } })
    return await imap.fetchOne('INBOX', uid, { flags: true, message: true })
  } finally {
    await imap.logout()
  }
}

/** On a real tenant, only on `--send`, and only to oneself. */
async function answerSelf({ provider, connect }, source, identity) {
  show.step('Send a note to oneself')
  const smtp = await SmtpClient.connect({ ...provider.smtp, ...connect, auth: authOf(identity, source) })
  const sent = await smtp.send({
    from: identity.email,
    to: identity.email,
    subject: 'A note from email-native',
    text: 'It works.',
  })
  await smtp.close()
  show.check(sent.response, sent.accepted.length === 1)
}

function authOf(identity, source) {
  return { user: identity.email, accessToken: source }
}
