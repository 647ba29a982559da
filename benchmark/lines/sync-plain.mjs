import { prepareSync } from '../syncing.mjs'
import { atMost, times } from '../targets.mjs'

export default {
  what: 'sync with nothing new, from a stored cursor, without CONDSTORE',
  messages: 100_000,
  prepare: (given, bench) => prepareSync('sync-plain', given, bench, { plain: true }),
  contenders: ['email-native', 'imapflow'],
  targets: [
    atMost('cpuMs', 100),
    atMost('delayMaxMs', 5),
    atMost('growthMb', 30),
    atMost('cursorKb', 64),
    times('cpuMs', 'imapflow', 10),
  ],
}
