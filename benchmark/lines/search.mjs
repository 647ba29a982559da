import { onMailbox } from '../prepare.mjs'
import { atMost, beyond } from '../targets.mjs'

export default {
  what: 'a search that hits every message of a large mailbox',
  messages: 300_000,
  prepare: onMailbox('small'),
  contenders: ['email-native', 'imapflow', 'c-reader'],
  // What the C reader takes is the server's time.
  targets: [beyond('wallMs', 'c-reader', 50), atMost('delayMaxMs', 10)],
}
