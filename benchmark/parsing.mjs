// The mails that parsers are measured on: made before the clock starts.

import { createRequire } from 'node:module'

import { given } from './meter.mjs'

const { makeMails } = createRequire(import.meta.url)('@nocobase/email-native-simulator/mailbox')

export function sources() {
  return [...makeMails({ count: given.messages })].map(({ raw }) => raw)
}
