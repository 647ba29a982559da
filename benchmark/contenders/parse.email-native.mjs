import { createRequire } from 'node:module'

import { finish, meter } from '../meter.mjs'
import { sources } from '../parsing.mjs'

const { parseMessage } = createRequire(import.meta.url)('../../index.js')

/** Enough for every core of a usual machine. */
const AT_ONCE = 16

const mails = sources()
await meter(async () => {
  let next = 0
  const lane = async () => {
    while (next < mails.length) {
      const message = await parseMessage(mails[next++])
      if (message.headers.from === undefined) throw new Error('not parsed')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return next
})
finish()
