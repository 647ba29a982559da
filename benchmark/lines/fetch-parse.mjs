import { onMailbox } from '../prepare.mjs'
import { atMost, times } from '../targets.mjs'

export default {
  what: 'fetch and parse every message of a mailbox',
  messages: 20_000,
  prepare: onMailbox('mails'),
  contenders: ['email-native', 'imapflow-mailparser'],
  targets: [atMost('utilization', 0.15), atMost('delayP99Ms', 10), times('wallMs', 'imapflow-mailparser', 6)],
}
