import { atMost } from '../targets.mjs'

const ACCOUNTS = 200
const NEWEST = 20
const THERE = 25

export default {
  what: `${ACCOUNTS} accounts at once: connect, log in, fetch and parse the newest ${NEWEST}`,
  messages: ACCOUNTS * NEWEST,
  async prepare({ messages }, { server }) {
    const imap = await server('imap.mjs')
    const { users } = await imap.ask({ kind: 'mails', count: THERE, accounts: Math.ceil(messages / NEWEST) })
    const { name, ...address } = imap.info
    return { where: name, given: { ...address, users, newest: NEWEST, messages: users.length * NEWEST } }
  },
  contenders: ['email-native', 'imapflow-mailparser'],
  targets: [atMost('cpuMs', 5000), atMost('rssMb', 200), atMost('delayP99Ms', 10)],
}
