'use strict'

// One scenario a process: `node ends.cjs <scenario> <options as JSON>`. Silent and code 0 when all went as it should.

const { createServer } = require('node:net')

const { ImapClient, setLogger } = require('../../index.js')

const scenarios = {
  async exit(options) {
    const client = await ImapClient.connect(options)
    for (let i = 0; i < 20; i++) client.list({ status: true }).catch(() => {})
    process.exit(0)
  },

  async idle(options) {
    const client = await ImapClient.connect(options)
    await client.status('INBOX')
    globalThis.kept = client
  },

  async 'idle-callbacks'(options) {
    setLogger(() => {})
    const { user, accessToken, password } = options.auth
    const auth = accessToken ? { user, accessToken: async () => accessToken } : { user, password }
    globalThis.kept = await ImapClient.connect({ ...options, auth })
  },

  async watch(options) {
    const client = await ImapClient.connect(options)
    const loop = client.watch('INBOX')
    loop.next()
    globalThis.kept = [client, loop]
    await new Promise((resolve) => setTimeout(resolve, 300))
  },

  async close() {
    const { client, hanging } = await onSilentServer()
    const started = Date.now()
    client.close()
    expectCode(await hanging, 'CLOSED')
    expectBelow(Date.now() - started, 200)
    process.exit(0)
  },

  async logout() {
    const { client, hanging } = await onSilentServer()
    const started = Date.now()
    await client.logout().catch(() => {})
    expectCode(await hanging, 'CLOSED')
    expectBelow(Date.now() - started, 1700)
    process.exit(0)
  },

  async 'left-loop'(options) {
    const client = await ImapClient.connect(options)
    for await (const _ of client.fetch('INBOX', '1:*', { source: true })) break
    const stream = client.fetch('INBOX', '1:*', { source: true })
    await stream.next()
    globalThis.kept = [client, stream]
  },

  async collected(options) {
    for (let i = 0; i < 20; i++) {
      ;(await ImapClient.connect(options)).list().catch(() => {})
      global.gc()
    }
    global.gc()
  },

  async term(options) {
    const client = await ImapClient.connect(options)
    for (;;) await client.list({ status: true })
  },
}

/** A client whose server answers the login and then nothing more, with a call that hangs. */
async function onSilentServer() {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.write('* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR] ready\r\n')
    socket.on('data', (chunk) => {
      const [tag, command] = chunk.toString('latin1').split(' ')
      if (/^(AUTHENTICATE|LOGIN|CAPABILITY|ID|ENABLE|NAMESPACE)/i.test(command)) {
        if (/^CAPABILITY/i.test(command)) socket.write('* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR\r\n')
        socket.write(`${tag} OK done\r\n`)
      }
    })
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const client = await ImapClient.connect({
    host: '127.0.0.1',
    port: server.address().port,
    tls: 'none',
    auth: { user: 'a@b.example', password: 'x' },
  })
  const hanging = client.status('INBOX').then(
    () => null,
    (error) => error,
  )
  await new Promise((resolve) => setTimeout(resolve, 100))
  return { client, hanging }
}

function expectCode(error, code) {
  if (error?.code !== code) throw new Error(`expected ${code}, got ${error?.code}: ${error?.message}`)
}

function expectBelow(value, limit) {
  if (value >= limit) throw new Error(`took ${value} ms, more than ${limit} ms`)
}

scenarios[process.argv[2]](JSON.parse(process.argv[3]))
