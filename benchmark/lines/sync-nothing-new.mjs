import { behindLinks } from '../prepare.mjs'
import { prepareSync } from '../syncing.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'connect, log in and sync with nothing new, with CONDSTORE',
  messages: 100_000,
  async prepare(given, bench) {
    return behindLinks(await prepareSync('sync-nothing-new', given, bench), 80, bench)
  },
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 6)],
}
