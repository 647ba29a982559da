// Runs once before all test files: the embedded mail world, and real servers that take the world's tokens.

import { createRequire } from 'node:module'

import { startRealServers, whyNoDovecot, whyNoPostfix } from './real.mjs'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const DOMAIN = 'contoso.example'

/** One account a test file, so that files do not see each other's mail. */
const NAMES = [
  'ada',
  'ben',
  'boundary',
  'fetch',
  'flags',
  'append',
  'download',
  'mailboxes',
  'manage',
  'search',
  'sync',
  'send',
  'secrets',
  'process',
  'bad',
  'sources',
  'model-qresync',
  'model-condstore',
  'model-plain',
  'killed',
  'faults',
  'cursor',
]

export default async function setup({ provide }) {
  const accounts = NAMES.map((name) => ({
    user: `${name}@${DOMAIN}`,
    name: title(name),
    password: `${name}-password-1`,
  }))
  const world = await startMailWorld({ accounts, seed: 0 })
  const real = whyNoDovecot() === null ? await startRealServers(world) : null
  for (const [name, why] of [
    ['Dovecot suites', whyNoDovecot()],
    ['Postfix suites', whyNoPostfix()],
  ]) {
    if (why !== null) console.log(`SKIPPED ${name}: ${why}`)
  }

  const tokens = {}
  for (const { user } of accounts) {
    tokens[user] = {
      valid: await world.issueToken(user),
      expired: await world.issueToken(user, { expiresIn: -60 }),
    }
  }
  const simulator = {
    name: 'simulator',
    ca: world.ca,
    imap: address(world.imap),
    imapStarttls: address(world.imapStarttls),
    smtp: address(world.smtp),
    smtps: address(world.smtps),
    accounts,
    tokens,
    skipped: null,
    skippedSmtp: null,
  }
  provide('backends', [
    simulator,
    {
      ...simulator,
      name: 'Dovecot and Postfix',
      imap: real?.imap ?? null,
      imapStarttls: real?.imapStarttls ?? null,
      smtp: real?.smtp ?? null,
      smtps: real?.smtps ?? null,
      skipped: whyNoDovecot(),
      skippedSmtp: whyNoPostfix(),
    },
  ])

  return async () => {
    await real?.stop()
    await world.stop()
  }
}

function title(name) {
  return `${name[0].toUpperCase()}${name.slice(1)} Example`
}

/** Without the switches that a world's servers have. */
function address(server) {
  const { host, port, tls } = server ?? {}
  return { host, port, tls }
}
