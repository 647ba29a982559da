import { atLeast, times } from '../targets.mjs'

export default {
  what: 'parsing messages that are in memory',
  messages: 5000,
  async prepare({ messages }) {
    return { where: `${messages} messages, 40 KB on average`, given: { messages } }
  },
  contenders: ['email-native', 'mailparser'],
  targets: [times('cpuMs', 'mailparser', 6), atLeast('cores', 1.5)],
}
