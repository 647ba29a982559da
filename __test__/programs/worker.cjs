'use strict'

// Has many calls in flight when it is terminated.

const { parentPort, workerData } = require('node:worker_threads')

const { ImapClient, parseMessage, setLogger } = require('../../index.js')

async function main() {
  setLogger(() => {})
  const client = await ImapClient.connect(workerData)
  parentPort.postMessage('working')
  for (;;) {
    await Promise.all([
      client.list({ status: true }),
      client.search('INBOX', { all: true }),
      parseMessage(Buffer.from('Subject: x\r\n\r\ny')),
      ImapClient.connect(workerData).then((other) => other.logout()),
    ])
  }
}

main()
