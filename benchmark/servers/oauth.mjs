// The simulator's authorization server, in a process of its own.

import { createRequire } from 'node:module'

import { serve } from './serve.mjs'

const { startMailWorld } = createRequire(import.meta.url)('@nocobase/email-native-simulator')

const world = await startMailWorld({ imap: false, smtp: false, seed: 0 })
const [{ user }] = world.accounts
const { refreshToken } = await world.issueTokens(user)

serve({ ca: world.ca, provider: world.microsoft, refreshToken }, { stop: () => world.stop() })
