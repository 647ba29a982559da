// The Check button of a settings page: every step by itself, and what to switch on, where.

import { diagnose, microsoft, withWorld } from './mailbox.mjs'

await withWorld(async ({ world, user, imapOptions: { auth } }) => {
  const provider = microsoft(world.microsoft)
  world.oauth.setAccount(user, { smtpAuth: false }) // somebody has switched it off

  // Without `auth` it checks the app and the way to the servers, before any user is asked.
  const { ok, steps } = await diagnose({ provider, auth, ca: world.ca })

  for (const { step, ok, ms, error, advice } of steps) {
    console.log(`${ok ? 'ok ' : 'NO '} ${step.padEnd(16)} ${String(ms).padStart(5)} ms`)
    if (error) console.log(`    ${error.code}, to be mended by: ${error.action}`)
    if (advice) console.log(`    ${advice}`)
  }
  console.log(ok ? 'Everything works.' : 'Something has to be switched on.')
})
