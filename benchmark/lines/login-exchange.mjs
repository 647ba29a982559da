import { behindLinks } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

const FOLDERS = 23

export default {
  what: 'connect, log in, list, and the status of 30 mailboxes, as Exchange offers it (no LIST-STATUS)',
  async prepare(given, bench) {
    const exchange = await bench.server('imap.mjs', { simulated: true, personality: 'exchange' })
    const { users } = await exchange.ask({ kind: 'empty', count: 0, folders: FOLDERS })
    const { name, ...address } = exchange.info
    return behindLinks({ where: name, given: { ...address, user: users[0], messages: 0 } }, 80, bench)
  },
  program: 'login',
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 7)],
}
