'use strict'

const { createServer } = require('node:net')
const { parentPort } = require('node:worker_threads')

const { ImapClient, MailError } = require('../../index.js')

const server = createServer().listen(0, '127.0.0.1', () => {
  const { port } = server.address()
  server.close(async () => {
    const auth = { user: 'a@b.example', password: 'x' }
    try {
      await ImapClient.connect({ host: '127.0.0.1', port, tls: 'implicit', auth })
    } catch (error) {
      parentPort.postMessage({ instance: error instanceof MailError, code: error.code })
    }
  })
})
