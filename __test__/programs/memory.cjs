'use strict'

// memory.cjs SOURCE CONNECTIONS FILE: how much the process grows while that many copies of FILE are sent at once.

const { fork } = require('node:child_process')
const { readFileSync } = require('node:fs')

if (process.argv[2] === 'sink') sink()
else main(...process.argv.slice(2))

/** An SMTP server that counts, and keeps nothing; a process of its own, whose buffers are not ours. */
function sink() {
  const { createServer } = require('node:net')
  let taken = 0
  const server = createServer((socket) => {
    let data = false
    let tail = ''
    socket.write('220 sink\r\n')
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      taken += chunk.length
      if (data) {
        tail = (tail + chunk.subarray(-5).toString('latin1')).slice(-5)
        if (tail !== '\r\n.\r\n') return
        data = false
        socket.write('250 taken\r\n')
        return
      }
      for (const line of chunk.toString('latin1').split('\r\n').slice(0, -1)) {
        if (line.startsWith('EHLO')) socket.write('250-sink\r\n250-8BITMIME\r\n250 PIPELINING\r\n')
        else if (line === 'DATA') {
          data = true
          tail = ''
          socket.write('354 go\r\n')
        } else socket.write('250 ok\r\n')
      }
    })
  })
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
  process.on('message', () => process.send({ taken }))
  process.on('disconnect', () => process.exit(0))
}

async function main(source, connections, path) {
  const { SmtpClient } = require('../../index.js')
  const count = Number(connections)
  const child = fork(__filename, ['sink'])
  const told = () => new Promise((resolve) => child.once('message', resolve))
  const { port } = await told()
  const pool = { maxConnections: count }
  const client = await SmtpClient.connect({ host: '127.0.0.1', port, tls: 'none', proxy: null, pool })
  const from = 'ada@contoso.example'
  const content = readFileSync(path)
  const small = { from, to: from, attachments: [{ filename: 'a', content: content.subarray(0, 1_000_000) }] }
  const large = {
    path: { from, to: from, attachments: [{ path }] },
    buffer: { from, to: from, attachments: [{ filename: 'a', content }] },
    raw: { envelope: { from, to: [from] }, raw: content },
  }[source]
  // Threads, pools and buffers are there before it is measured.
  for (let i = 0; i < 3; i++) await Promise.all(Array.from({ length: count }, () => client.send(small)))
  const before = process.memoryUsage.rss()
  let most = before
  const watch = setInterval(() => (most = Math.max(most, process.memoryUsage.rss())), 5)
  await Promise.all(Array.from({ length: count }, () => client.send(large)))
  clearInterval(watch)
  child.send('how much?')
  const { taken } = await told()
  await client.close()
  process.stdout.write(JSON.stringify({ grown: most - before, taken }), () => process.exit(0))
}
