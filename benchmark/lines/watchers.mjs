import { atMost } from '../targets.mjs'

export default {
  what: 'idle watchers, each of an account of its own',
  messages: 500,
  async prepare({ messages }, { server }) {
    const imap = await server('imap.mjs')
    const { users } = await imap.ask({ kind: 'empty', count: 0, accounts: messages })
    const { name, ...address } = imap.info
    return { where: `${messages} watchers, ${name}`, given: { ...address, users, messages } }
  },
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('perWatcherKb', 60)],
}
