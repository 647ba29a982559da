import { behindLinks, onMailbox } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'connect, log in, sync: 10 new messages and 50 others with new flags, with CONDSTORE',
  messages: 0,
  prepare: async (given, bench) => behindLinks(await onMailbox('empty')(given, bench), 80, bench),
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 7)],
}
