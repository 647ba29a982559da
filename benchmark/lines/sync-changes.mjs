import { behindLinks } from '../prepare.mjs'
import { changeMailbox, prepareSync } from '../syncing.mjs'
import { atMost } from '../targets.mjs'

export default {
  what: 'connect, log in and sync 10 new messages and 50 changes of flags, with CONDSTORE',
  messages: 100_000,
  async prepare(given, bench) {
    const prepared = await prepareSync('sync-changes', given, bench)
    await changeMailbox(prepared.given, { added: 10, flagged: 50 })
    return behindLinks({ ...prepared, given: { ...prepared.given, added: 10, flagged: 50 } }, 80, bench)
  },
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 7)],
}
