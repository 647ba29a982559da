import { simpleParser } from 'mailparser'

import { finish, meter } from '../meter.mjs'
import { sources } from '../parsing.mjs'

const mails = sources()
await meter(async () => {
  let count = 0
  for (const source of mails) {
    const message = await simpleParser(source)
    if (message.headers.get('from') === undefined) throw new Error('not parsed')
    count += 1
  }
  return count
})
finish()
