import { atMost } from '../targets.mjs'

export default {
  what: 'sync: nothing new in a large mailbox, as Exchange offers it (no CONDSTORE)',
  messages: 100_000,
  async prepare({ messages }, bench) {
    const exchange = await bench.server('imap.mjs', { simulated: true, personality: 'exchange' })
    const { users } = await exchange.ask({ kind: 'small', count: messages })
    const { name, ...address } = exchange.info
    return { where: `${messages} messages, ${name}`, given: { ...address, user: users[0], messages } }
  },
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('cpuMs', 100), atMost('delayMaxMs', 5), atMost('growthMb', 30)],
}
