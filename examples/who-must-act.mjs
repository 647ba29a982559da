// What to show when it fails: the sentence for the log, the action for the screen.

import { ImapClient, MailError, withWorld } from './mailbox.mjs'

const ON_SCREEN = {
  retry: 'Mail is delayed; nothing to do.',
  reauthorize: 'Please link your mailbox again.',
  'ask-admin': 'Please ask your mail administrator.',
  'fix-config': 'Please check the mail settings.',
  'fix-input': 'Please correct what you entered.',
  none: 'This cannot be done.',
}

await withWorld(async ({ imapOptions, user, world }) => {
  const expired = await world.issueToken(user, { expiresIn: -60 })
  const failures = {
    'an expired token': { ...imapOptions, auth: { user, accessToken: expired } },
    'a wrong password': { ...imapOptions, auth: { user, password: 'wrong' } },
    'an unknown CA': { ...imapOptions, ca: undefined },
    'a mistyped host': { ...imapOptions, host: 'outlook.invalid' },
  }
  for (const [name, options] of Object.entries(failures)) {
    try {
      await ImapClient.connect(options)
    } catch (error) {
      if (!(error instanceof MailError)) throw error
      console.log(`${name}\n  ${error.code}: ${error.message}\n  → ${ON_SCREEN[error.action]}`)
    }
  }
})
