// A submission server that takes everything and keeps nothing: as little work as the protocol allows, so that senders are
// measured. It tells how busy it was: near 1 it would be the limit itself.

import { createRequire } from 'node:module'
import { performance } from 'node:perf_hooks'
import { createServer } from 'node:tls'

import { serve } from './serve.mjs'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const EXTENSIONS = ['sink', 'PIPELINING', 'SIZE 0', '8BITMIME', 'SMTPUTF8', 'ENHANCEDSTATUSCODES', 'AUTH PLAIN LOGIN']
const END = Buffer.from('\r\n.\r\n')
const LF = 10

const world = await startMailWorld({ imap: false, smtp: false, seed: 0 })
let messages = 0
let loop = performance.eventLoopUtilization()

/** States: a line of a command, or a text up to its dot. */
class Session {
  constructor(socket) {
    this.socket = socket
    this.kept = Buffer.alloc(0)
    this.inText = false
    this.replies = ''
    socket.setNoDelay(true)
    socket.write('220 sink ESMTP\r\n')
    socket.on('data', (bytes) => this.feed(bytes))
    socket.on('error', () => socket.destroy())
  }

  feed(bytes) {
    let rest = this.kept.length > 0 ? Buffer.concat([this.kept, bytes]) : bytes
    for (;;) {
      const taken = this.inText ? this.text(rest) : this.command(rest)
      if (taken === 0) break
      rest = rest.subarray(taken)
    }
    // In a text only its end matters, and that may be cut.
    this.kept = this.inText ? rest.subarray(Math.max(0, rest.length - END.length + 1)) : rest
    if (this.replies !== '') this.socket.write(this.replies)
    this.replies = ''
  }

  text(rest) {
    const at = rest.indexOf(END)
    if (at === -1) return 0
    this.inText = false
    messages += 1
    this.replies += '250 2.0.0 taken\r\n'
    return at + END.length
  }

  command(rest) {
    const at = rest.indexOf(LF)
    if (at === -1) return 0
    const line = rest.toString('latin1', 0, at).trimEnd()
    this.replies += this.reply(line.slice(0, 4).toUpperCase(), line)
    return at + 1
  }

  reply(verb, line) {
    switch (verb) {
      case 'EHLO':
        return `${EXTENSIONS.map((word, i) => `250${i === EXTENSIONS.length - 1 ? ' ' : '-'}${word}`).join('\r\n')}\r\n`
      case 'AUTH':
        return /^AUTH PLAIN \S/i.test(line) ? '235 2.7.0 welcome\r\n' : '334 \r\n'
      case 'DATA':
        this.inText = true
        return '354 go on\r\n'
      case 'QUIT':
        this.socket.end()
        return '221 2.0.0 bye\r\n'
      default:
        // MAIL, RCPT, RSET, NOOP, and the second line of an AUTH.
        return /^[A-Z]{4}\b/.test(verb) ? '250 2.0.0 fine\r\n' : '235 2.7.0 welcome\r\n'
    }
  }
}

const server = createServer({ key: world.tls.key, cert: world.tls.cert }, (socket) => new Session(socket))
server.listen(0, 'localhost', () => {
  serve(
    {
      host: 'localhost',
      port: server.address().port,
      ca: world.ca,
      user: 'sender@contoso.example',
      password: 'bench-1',
    },
    {
      /** Since the last question. */
      answer() {
        const { utilization } = performance.eventLoopUtilization(loop)
        const counted = { taken: messages, sinkUtilization: utilization }
        loop = performance.eventLoopUtilization()
        messages = 0
        return counted
      },
      stop: () => world.stop(),
    },
  )
})
