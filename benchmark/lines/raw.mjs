import { onMailbox } from '../prepare.mjs'
import { atMostTimes } from '../targets.mjs'

export default {
  what: 'the raw bytes of every message',
  messages: 20_000,
  given: { samplesDelay: false },
  prepare: onMailbox('mails'),
  contenders: ['email-native', 'imapflow', 'c-reader'],
  targets: [atMostTimes('wallMs', 'c-reader', 1.15), atMostTimes('cpuMs', 'imapflow', 0.6)],
}
