// Mailboxes of made-up mails on Dovecot (or on the simulator), in a process of its own. Dovecot's are kept in a folder
// beside the system's temporary files: filling a mailbox takes longer than reading it.

import { createHash } from 'node:crypto'
import {
  appendFileSync,
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { startDovecot } from '../../__test__/servers/dovecot.mjs'
import { whyNoDovecot } from '../../__test__/servers/real.mjs'
import { here } from '../children.mjs'
import { fill } from './fill.mjs'
import { mailsOf } from './mails.mjs'
import { given, serve } from './serve.mjs'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const DOMAIN = 'contoso.example'
const PASSWORD = 'bench-password-1'

/** What Exchange offers: no extension that tells what has changed. */
const PLAIN = 'IMAP4rev1 SASL-IR ID UIDPLUS MOVE UNSELECT CHILDREN IDLE NAMESPACE LITERAL+'

const { simulated = whyNoDovecot() !== null, personality, plain = false } = given
const world = await startMailWorld({
  accounts: [{ user: `first@${DOMAIN}`, name: 'Bench Example', password: PASSWORD }],
  seed: 0,
  imap: personality ? { personality } : undefined,
})
const backend = simulated ? simulator() : await dovecot()
if (simulated && !personality) console.log(`Dovecot: ${whyNoDovecot()}; measuring on the simulator`)

serve(
  { name: backend.name, host: 'localhost', port: backend.port, ca: world.ca, password: PASSWORD },
  {
    answer: mailboxes,
    async stop() {
      await backend.stop()
      await world.stop()
    },
  },
)

/**
 * Accounts of `kind`, each INBOX filled with `count` mails, each with `folders` further mailboxes:
 * `{ users, messages, bytes }`, the latter of one account. Another `owner` gets other accounts.
 */
async function mailboxes({ kind, count, folders = 0, accounts = 1, owner = 'all' }) {
  const name = `${owner}-${kind}-${count}-${folders}`
  const users = Array.from({ length: accounts }, (_, number) => `${name}-${number}@${DOMAIN}`)
  const missing = users.filter((user) => backend.known(user) === null)
  await backend.add(missing)
  for (const user of missing) {
    backend.remember(user, await backend.fill(user, mailsOf(kind, count, users.indexOf(user)), folders))
  }
  return { users, ...backend.known(users[0]) }
}

function simulator() {
  const filled = new Map()
  return {
    name: personality ? `the simulator as ${personality}` : 'the simulator',
    port: world.imap.port,
    known: (user) => filled.get(user) ?? null,
    remember: (user, facts) => filled.set(user, facts),
    add(users) {
      for (const user of users) world.oauth.addAccount({ user, password: PASSWORD, name: 'Bench Example' })
    },
    fill(user, mails, folders) {
      const account = world.mailbox(user)
      for (let i = 0; i < folders; i++) account.create(`Folder ${i}`)
      let [messages, bytes] = [0, 0]
      for (const { raw, flags, internalDate } of mails) {
        account.deliver(raw, { flags, internalDate })
        messages += 1
        bytes += raw.length
      }
      return { messages, bytes }
    },
    stop() {},
  }
}

async function dovecot() {
  const root = join(tmpdir(), `email-native-bench-${userInfo().uid}`)
  const dir = join(root, `${fingerprint()}${plain ? '-plain' : ''}`)
  mkdirSync(dir, { recursive: true })
  for (const folder of [root, dir]) chmodSync(folder, 0o755)
  for (const old of readdirSync(root).filter((name) => !name.startsWith(fingerprint()))) {
    rmSync(join(root, old), { recursive: true, force: true })
  }
  const owner = join(dir, 'pid')
  if (existsSync(owner) && isAlive(Number(readFileSync(owner)))) {
    throw new Error(`another benchmark uses ${dir}`)
  }
  writeFileSync(owner, String(process.pid))
  // Sockets and state of a server that was killed.
  for (const left of ['run', 'state']) rmSync(join(dir, left), { recursive: true, force: true })
  const marks = join(dir, 'filled.json')
  const filled = existsSync(marks) ? JSON.parse(readFileSync(marks, 'utf8')) : {}
  const server = await startDovecot({
    dir,
    certificate: world.tls,
    users: Object.keys(filled).map((user) => ({ user, password: PASSWORD })),
    tokens: { kid: world.oauth.kid, publicKeyPem: world.oauth.publicKeyPem },
    imapSettings: plain ? `imap_capability = ${PLAIN}` : '',
  })
  return {
    name: plain ? 'Dovecot without CONDSTORE' : 'Dovecot',
    port: server.imaps,
    known: (user) => filled[user] ?? null,
    remember(user, facts) {
      filled[user] = facts
      writeFileSync(marks, JSON.stringify(filled))
    },
    async add(users) {
      if (users.length === 0) return
      // What an interrupted run left.
      for (const user of users) rmSync(join(dir, 'mail', user), { recursive: true, force: true })
      // Dovecot reads the file again when the time of its change is another, in whole seconds.
      await sleep(1100)
      appendFileSync(join(dir, 'passwd'), users.map((user) => `${user}:{PLAIN}${PASSWORD}\n`).join(''))
    },
    fill(user, mails, folders) {
      return fill({ port: server.imaps, ca: world.ca, user, password: PASSWORD }, mails, folders)
    },
    async stop() {
      await server.stop()
      rmSync(owner)
    },
  }
}

/** Of everything that a kept folder depends on: it is of no use to another version. */
function fingerprint() {
  const hash = createHash('sha256')
  for (const file of ['imap.mjs', 'mails.mjs', 'fill.mjs', '../../__test__/servers/dovecot.mjs']) {
    hash.update(readFileSync(join(here, 'servers', file)))
  }
  return hash.digest('hex').slice(0, 8)
}

function isAlive(pid) {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}
