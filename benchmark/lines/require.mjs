import { atMost } from '../targets.mjs'

export default {
  what: 'loading the package in a fresh process',
  async prepare() {
    return { where: 'median of several processes', given: {} }
  },
  contenders: ['email-native', 'imapflow-mailparser-nodemailer'],
  targets: [atMost('wallMs', 15)],
}
