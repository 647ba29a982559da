import { onSink } from '../prepare.mjs'
import { atLeastTimes, atMost } from '../targets.mjs'

export default {
  what: 'sending mails with an attachment of 5 MB through a pool of 5',
  messages: 100,
  prepare: onSink({ attachmentBytes: 5_000_000 }),
  contenders: ['email-native', 'nodemailer'],
  targets: [atLeastTimes('perSecond', 'nodemailer', 2.5), atMost('growthMb', 20), atMost('delayP99Ms', 5)],
}
