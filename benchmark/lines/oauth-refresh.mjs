import { atMost } from '../targets.mjs'

export default {
  what: 'refreshing access tokens',
  messages: 1000,
  async prepare({ messages }, { server }) {
    const { info } = await server('oauth.mjs')
    return { where: `${messages} refreshes, the simulator`, given: { ...info, messages } }
  },
  contenders: ['email-native'],
  targets: [atMost('delayP99Ms', 5)],
}
