import { onMailbox } from '../prepare.mjs'
import { atMost, times } from '../targets.mjs'

export default {
  what: 'flags, envelope and structure of every message',
  messages: 20_000,
  prepare: onMailbox('small'),
  contenders: ['email-native', 'imapflow', 'c-reader'],
  targets: [times('wallMs', 'imapflow', 4), atMost('delayP99Ms', 10)],
}
