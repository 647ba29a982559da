// `npm run demo -- --diagnose`: a healthy and a broken set-up side by side, as an administrator reads them.

import { createRequire } from 'node:module'

import * as show from './show.mjs'

const require = createRequire(import.meta.url)
const { diagnose, microsoft, OAuthClient } = require('../index.js')
const { startMailWorld } = require('@nocobase/email-native-simulator')

const STEPS = {
  'app-credentials': 'tenant, client id, secret',
  token: 'access token',
  'token-scopes': 'permissions of the token',
  'imap-connect': 'IMAP: connection',
  'imap-tls': 'IMAP: encryption',
  'imap-auth': 'IMAP: sign-in',
  'imap-mailbox': 'IMAP: mailbox',
  'smtp-connect': 'SMTP: connection',
  'smtp-tls': 'SMTP: encryption',
  'smtp-auth': 'SMTP: sign-in',
}

const WHO = {
  retry: 'waiting',
  reauthorize: 'the user',
  'ask-admin': 'the administrator',
  'fix-config': 'the settings',
}

show.title('@nocobase/email-native: what is wrong with the set-up?')
const world = await startMailWorld({ seed: 3 })
try {
  const user = world.accounts[0].user
  const kim = world.accounts[1].user
  const healthy = await report(microsoft(world.microsoft), user)

  // What goes wrong in the field: the secret's ID in place of its Value, IMAP and authenticated SMTP switched off.
  world.oauth.setAccount(kim, { imap: false, smtpAuth: false })
  const clientSecret = 'c0de1111-7e57-4c05-8050-00000c0de009'
  const broken = await report(microsoft({ ...world.microsoft, clientSecret }), kim)

  show.step('Side by side')
  show.line(`${''.padEnd(28)}${'a healthy set-up'.padEnd(26)}a broken one`)
  for (const [step, name] of Object.entries(STEPS)) {
    show.line(`${name.padEnd(28)}${cell(healthy, step).padEnd(26)}${cell(broken, step)}`)
  }
  show.check('the healthy set-up has nothing to mend', healthy.ok && healthy.steps.length === 10)

  show.step('What to do about the broken one')
  for (const { step, error, advice } of broken.steps) {
    if (error === null) continue
    show.line(`${STEPS[step]}: ${error.code}, to be mended by ${WHO[error.action]}`)
    show.paragraph(advice)
  }
  const failed = broken.steps.filter(({ ok }) => !ok).map(({ step }) => step)
  show.check('the wrong secret was found without any user', failed.includes('app-credentials'))
  show.check('IMAP that is switched off was found', failed.includes('imap-mailbox'))
  show.check('SMTP that is switched off was found', failed.includes('smtp-auth'))
  show.check('nothing was sent', world.outbox.length === 0)
} finally {
  await world.stop()
}
process.exitCode = show.verdict() === 0 ? 0 : 1

/** The mailbox was linked before the settings went wrong: its token still lives. */
async function report(provider, user) {
  const linked = new OAuthClient(microsoft(world.microsoft), { ca: world.ca, proxy: null })
  const accessToken = linked.tokenSource({ tokens: await world.issueTokens(user) })
  return diagnose({ provider, auth: { user, accessToken }, ca: world.ca, proxy: null, timeoutMs: 20_000 })
}

function cell({ steps }, name) {
  const found = steps.find(({ step }) => step === name)
  if (found === undefined) return '–'
  return found.ok ? `✓ ${found.ms} ms` : `! ${found.error.code}`
}
