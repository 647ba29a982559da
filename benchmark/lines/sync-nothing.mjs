import { behindLinks, onMailbox } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'connect, log in, sync: nothing new, with CONDSTORE',
  messages: 1000,
  prepare: async (given, bench) => behindLinks(await onMailbox('small')(given, bench), 80, bench),
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 6)],
}
