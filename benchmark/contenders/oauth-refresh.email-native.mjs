import { createRequire } from 'node:module'

import { finish, given, meter } from '../meter.mjs'

const { OAuthClient, microsoft } = createRequire(import.meta.url)('../../index.js')

/** As a plugin that serves many mailboxes. */
const AT_ONCE = 20

const client = new OAuthClient(microsoft(given.provider), { ca: given.ca })
await meter(async () => {
  let next = 0
  const lane = async () => {
    while (next++ < given.messages) {
      const { accessToken } = await client.refresh(given.refreshToken)
      if (accessToken === '') throw new Error('no token')
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, lane))
  return given.messages
})
finish()
