import { behindLinks, onSink } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'send, one mail after the other: round trips a mail',
  messages: 20,
  prepare: async (given, bench) => behindLinks(await onSink({})(given, bench), 80, bench),
  contenders: ['email-native', 'nodemailer'],
  targets: [atMost('roundTrips', 2.1)],
}
