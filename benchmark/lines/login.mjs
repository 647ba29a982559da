import { behindLinks, onMailbox } from '../prepare.mjs'
import { atMost } from '../targets.mjs'

const FOLDERS = 25

export default {
  what: 'connect, log in, list, and the status of 30 mailboxes, with LIST-STATUS',
  messages: 0,
  /** INBOX, the four or five of every account, and these: 30 at least. */
  prepare: async (given, bench) => behindLinks(await onMailbox('empty', { folders: FOLDERS })(given, bench), 80, bench),
  contenders: ['email-native', 'imapflow'],
  targets: [atMost('roundTrips', 6)],
}
