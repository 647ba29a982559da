// Runs once before all test files: the embedded mail world, and real servers that take the world's tokens.

import { createRequire } from 'node:module'

import { whyNoCyrus } from './cyrus.mjs'
import { startCyrusAlone, startRealServers, whyNoDovecot, whyNoPostfix } from './real.mjs'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const DOMAIN = 'contoso.example'

/** One account a test file, so that files do not see each other's mail. */
const NAMES = [
  'ada',
  'admin',
  'ben',
  'boundary',
  'cyrus',
  'fetch',
  'flags',
  'append',
  'download',
  'mailboxes',
  'manage',
  'search',
  'sync',
  'send',
  'generated',
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

/** The simulator in the manner of others: for the IMAP suites only. */
const PERSONALITIES = ['exchange', 'gmail', '163', 'exmail', 'rev2']
const IMAP_NAMES = ['boundary', 'fetch', 'mailboxes', 'manage', 'bad']

/** Whom the IMAP suites need that run on every real server. */
const CYRUS_NAMES = [
  ...IMAP_NAMES,
  'admin',
  'ben',
  'cyrus',
  'download',
  'faults',
  'model-condstore',
  'model-plain',
  'model-qresync',
  'process',
  'sync',
]

/** How else a submission server may behave. */
const SUBMISSIONS = ['exchange', 'gmail', 'strict', 'plain']

/** Whom the suites of sending need. */
const SMTP_NAMES = ['send', 'ben', 'bad', 'secrets']

export default async function setup({ provide }) {
  const accounts = NAMES.map((name) => ({
    user: `${name}@${DOMAIN}`,
    name: title(name),
    password: `${name}-password-1`,
  }))
  const world = await startMailWorld({ accounts, seed: 0 })
  const real = whyNoDovecot() === null ? await startRealServers(world) : null
  const cyrusAccounts = accounts.filter(({ user }) => CYRUS_NAMES.includes(user.split('@')[0]))
  const cyrus = whyNoCyrus() === null ? await startCyrusAlone({ tls: world.tls, accounts: cyrusAccounts }) : null
  for (const [name, why] of [
    ['Dovecot suites', whyNoDovecot()],
    ['Postfix suites', whyNoPostfix()],
    ['Cyrus suites', whyNoCyrus()],
  ]) {
    if (why !== null) console.log(`SKIPPED ${name}: ${why}`)
  }

  const simulator = await backendOf('simulator', world, accounts)
  const others = await Promise.all(
    PERSONALITIES.map(async (personality) => {
      const some = accounts.filter(({ user }) => IMAP_NAMES.includes(user.split('@')[0]))
      const own = await startMailWorld({ accounts: some, seed: 0, smtp: false, imap: { personality } })
      return { world: own, backend: await backendOf(personality, own, some) }
    }),
  )
  provide(
    'personalities',
    others.map(({ backend }) => backend),
  )
  // The same submission server in other providers' manner, each in a world of its own.
  const submissions = await Promise.all(
    SUBMISSIONS.map(async (personality) => {
      const some = accounts.filter(({ user }) => SMTP_NAMES.includes(user.split('@')[0]))
      const own = await startMailWorld({ accounts: some, seed: 0, smtp: { personality } })
      return { world: own, backend: await backendOf(`simulator (${personality})`, own, some) }
    }),
  )
  provide(
    'submissions',
    submissions.map(({ backend }) => backend),
  )
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
  provide('cyrus', {
    ...simulator,
    name: 'Cyrus',
    imap: cyrus?.imap ?? null,
    imapStarttls: cyrus?.imapStarttls ?? null,
    accounts: cyrusAccounts,
    passwords: true,
    skipped: whyNoCyrus(),
  })

  return async () => {
    await real?.stop()
    await cyrus?.stop()
    await Promise.all([world, ...[...others, ...submissions].map((other) => other.world)].map((one) => one.stop()))
  }
}

/** A world as the suites see it. */
async function backendOf(name, world, accounts) {
  const tokens = {}
  for (const { user } of accounts) {
    tokens[user] = {
      valid: await world.issueToken(user),
      expired: await world.issueToken(user, { expiresIn: -60 }),
    }
  }
  return {
    name,
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
}

function title(name) {
  return `${name[0].toUpperCase()}${name.slice(1)} Example`
}

/** Without the switches that a world's servers have. */
function address(server) {
  const { host, port, tls } = server ?? {}
  return { host, port, tls }
}
