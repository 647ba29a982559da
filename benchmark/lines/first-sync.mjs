import { onMailbox } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'flags, dates, sizes and envelopes of a large mailbox for the first time',
  messages: 100_000,
  prepare: onMailbox('small'),
  contenders: ['email-native', 'imapflow', 'c-reader'],
  targets: [atMost('cpuMs', 2000), atMost('delayP99Ms', 10)],
}
