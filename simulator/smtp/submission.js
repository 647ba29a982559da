'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { deliverMessage } = require('./delivery')
const { firstAddress, headerOf } = require('./headers')
const { parseReply, Reply, replies } = require('./replies')

/**
 * The handlers of smtp-server: who may sign in, send as whom, to whom, how much.
 *
 * @param {import('./server').Settings} settings
 * @param {import('./faults').Faults} faults
 */
function createSubmission(settings, faults) {
  const { directory } = settings
  /** @type {Map<string, number>} signed-in connections by mailbox */
  const connections = new Map()

  const onConnect = step(faults, 'connect', async () => {})

  const onAuth = callback(async (auth, session) => {
    await suffer(faults, 'auth', session, auth.username)
    const { method: mechanism, username: user, password, accessToken: token } = auth
    if (!token && !settings.basicAuth) throw replies.basicDisabled()
    let admitted
    try {
      admitted = await settings.authenticate({ mechanism, user, password, token })
    } catch (reason) {
      const error = /** @type {import('../access').AuthError} */ (reason)
      if (error.name !== 'AuthError') throw error
      // smtp-server sends `data` as the challenge of XOAUTH2; after its answer comes the 535.
      if (error.challenge) return { data: error.challenge }
      throw replies.badCredentials()
    }
    const account = directory.account(admitted.user)
    const tenant = directory.tenant(account.tenantId)
    if (!account.smtpAuth || tenant?.smtpAuth === false) throw replies.smtpAuthDisabled()
    const open = connections.get(account.user) ?? 0
    if (open >= settings.maxConnectionsPerMailbox) throw replies.tooManyConnections()
    connections.set(account.user, open + 1)
    return { user: admitted }
  })

  const onClose = (session) => {
    const user = session.user?.user
    if (user) connections.set(user, Math.max(0, (connections.get(user) ?? 1) - 1))
  }

  const onMailFrom = step(faults, 'mail', async ({ address }, session) => {
    if (!maySendAs(directory, session.user, address)) throw replies.notYourSender()
  })

  const onRcptTo = step(faults, 'rcpt', async ({ address }) => {
    const account = directory.account(address)
    if (directory.isLocal(address) && !account?.mailbox) throw replies.unknownRecipient(address)
  })

  const onData = callback(async (stream, session) => {
    const raw = await readMessage(stream, settings.maxMessageBytes)
    await suffer(faults, 'data', session)
    const from = firstAddress(headerOf(raw, 'From'))
    if (from && !maySendAs(directory, session.user, from)) throw replies.sendAsDenied(session.user.user, from)
    const id = deliverMessage(settings, raw, session)
    await suffer(faults, 'accepted', session)
    return `2.0.0 OK <${id}> [Hostname=SIM1P100MB0001.SIMP100.PROD.OUTLOOK.EXAMPLE] Queued mail for delivery`
  })

  return { onConnect, onAuth, onClose, onMailFrom, onRcptTo, onData }
}

/** As oneself, an alias, or a shared mailbox that one may use. */
function maySendAs(directory, admitted, address) {
  const sender = directory.account(address)
  if (!sender || !admitted) return false
  return (
    sender.user === admitted.user || sender.user === admitted.actor || Boolean(sender.shared?.includes(admitted.actor))
  )
}

/** @returns {Promise<Buffer>} */
async function readMessage(stream, limit) {
  const chunks = []
  // Read to the end even when it is too large: the reply comes after the final dot.
  for await (const chunk of stream) if (!stream.sizeExceeded) chunks.push(chunk)
  if (stream.sizeExceeded) throw replies.tooLarge(limit)
  return Buffer.concat(chunks)
}

/** Carries out an ordered fault. */
async function suffer(faults, stage, session, address) {
  const fault = faults.take(stage, address)
  if (!fault) return
  if (fault.delayMs) await sleep(fault.delayMs, undefined, { ref: false })
  if (fault.destroy) throw new Cut()
  if (fault.reply) throw parseReply(fault.reply)
}

/** The connection ends here, without a reply. */
class Cut extends Error {}

/** A handler with one subject and no result, preceded by its stage's faults. */
function step(faults, stage, handle) {
  return callback(async (...parameters) => {
    const session = parameters.at(-1)
    await suffer(faults, stage, session, parameters.length > 1 ? parameters[0].address : undefined)
    await handle(...parameters)
  })
}

/** smtp-server's callback style over promises. */
function callback(handle) {
  /** @this {import('smtp-server').SMTPServer} */
  return function (...parameters) {
    const done = parameters.pop()
    const session = parameters.at(-1)
    handle(...parameters).then(
      (result) => done(null, result),
      (error) => {
        if (error instanceof Cut) return cut(this, session)
        done(error instanceof Reply ? error : new Reply(451, `4.3.0 ${error.message}`))
      },
    )
  }
}

function cut(server, session) {
  for (const connection of server.connections) if (connection.session === session) connection._socket?.destroy()
}

module.exports = { createSubmission }
