'use strict'

const { setTimeout: sleep } = require('node:timers/promises')
const { deliverMessage } = require('./delivery')
const { firstAddress, headerOf } = require('./headers')
const { parseReply, Reply, wordsOf } = require('./replies')
const { refuseUnlessProper } = require('./strict')

/**
 * The handlers of smtp-server: who may sign in, send as whom, to whom, how much.
 *
 * @param {import('./server').Settings} settings
 * @param {import('./faults').Faults} faults
 * @param {import('./statistics').Statistics} statistics
 * @param {import('./personalities').Personality} personality
 */
function createSubmission(settings, faults, statistics, personality) {
  const { directory } = settings
  const replies = wordsOf(personality.words)

  const onConnect = step(faults, 'connect', async () => {
    statistics.connections += 1
  })

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
    if (statistics.open(account.user) >= settings.maxConnectionsPerMailbox) throw replies.tooManyConnections()
    statistics.signedIn(account.user)
    return { user: admitted }
  })

  const onClose = (session) => {
    const user = session.user?.user
    if (user) statistics.left(user)
  }

  const onMailFrom = step(faults, 'mail', async ({ address }, session) => {
    if (!maySendAs(directory, session.user, address)) throw replies.notYourSender()
    const { user } = session.user
    const turn = () => statistics.turn(user, settings.messagesPerWindow, settings.windowMs)
    while (turn() > Date.now()) await sleep(turn() - Date.now(), undefined, { ref: false })
    statistics.sent(user)
  })

  const onRcptTo = step(faults, 'rcpt', async ({ address }) => {
    const account = directory.account(address)
    if (directory.isLocal(address) && !account?.mailbox) throw replies.unknownRecipient(address)
  })

  const onData = callback(async (stream, session) => {
    const raw = await readMessage(stream, settings.maxMessageBytes, replies, faults.take('body'))
    await suffer(faults, 'data', session)
    if (personality.strict) refuseUnlessProper(raw, session)
    const from = firstAddress(headerOf(raw, 'From'))
    if (from && !maySendAs(directory, session.user, from)) throw replies.sendAsDenied(session.user.user, from)
    const id = deliverMessage(settings, raw, session)
    await suffer(faults, 'accepted', session)
    return personality.words === 'gmail'
      ? `2.0.0 OK  ${Math.floor(Date.now() / 1000)} ${id.slice(0, 8)} - gsmtp`
      : `2.0.0 OK <${id}> [Hostname=SIM1P100MB0001.SIMP100.PROD.OUTLOOK.EXAMPLE] Queued mail for delivery`
  })

  return { onConnect, onAuth, onClose, onMailFrom, onRcptTo, onData, beforeCommand: interrupter(faults) }
}

/** The stages that smtp-server has no handler for. */
const COMMANDS = new Map([
  ['EHLO', 'ehlo'],
  ['HELO', 'ehlo'],
  ['STARTTLS', 'starttls'],
  ['DATA', 'data-command'],
])

/** Faults in place of a command, and after the reply to a message. */
function interrupter(faults) {
  return (server, connection) => {
    const { _onCommand: obey, send } = connection
    connection._onCommand = (command, next) => {
      const stage = COMMANDS.get(String(command).split(' ', 1)[0].toUpperCase())
      const fault = stage && faults.take(stage)
      if (!fault) return obey.call(connection, command, next)
      carryOut(fault).then(
        () => obey.call(connection, command, next),
        (error) => {
          if (error instanceof Cut) return connection._socket?.destroy()
          connection.send(error.responseCode, error.message, false)
          if (error.responseCode !== 421) next?.()
        },
      )
    }
    connection.send = (code, data, context) => {
      const answersMessage = code === 250 && connection._parser && /queued|gsmtp/i.test(String(data))
      send.call(connection, code, data, context)
      if (answersMessage && faults.take('replied')) connection._socket?.destroySoon()
    }
  }
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
async function readMessage(stream, limit, replies, fault) {
  const chunks = []
  let size = 0
  // Read to the end even when it is too large: the reply comes after the final dot.
  for await (const chunk of stream) {
    if (!stream.sizeExceeded) chunks.push(chunk)
    size += chunk.length
    if (fault && size >= (fault.afterBytes ?? 1)) await carryOut(fault)
  }
  if (stream.sizeExceeded) throw replies.tooLarge(limit)
  return Buffer.concat(chunks)
}

/** Carries out an ordered fault. */
async function suffer(faults, stage, _session, address) {
  const fault = faults.take(stage, address)
  if (fault) await carryOut(fault)
}

async function carryOut(fault) {
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
