import { onSink } from '../prepare.mjs'
import { atLeastTimes } from '../targets.mjs'

export default {
  what: 'sending mails of 10 KB through a pool of 5',
  messages: 3000,
  prepare: onSink({ textBytes: 10_000 }),
  contenders: ['email-native', 'nodemailer'],
  targets: [atLeastTimes('perSecond', 'nodemailer', 3)],
}
