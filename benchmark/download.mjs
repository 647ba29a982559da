// One part of many megabytes over a link with a long round trip.

import { behindLinks, onMailbox } from './prepare.mjs'
import { atMost } from './targets.mjs'

const RTT_MS = 80

export function downloadLine(megabytes) {
  return {
    what: `one part of ${megabytes} MB (base64), decoded: round trips beyond the transfer itself`,
    messages: 1,
    program: 'download',
    async prepare(given, bench) {
      const prepared = await behindLinks(await onMailbox(`attachment-${megabytes}`)(given, bench), RTT_MS, bench)
      return { ...prepared, given: { ...prepared.given, part: '2' } }
    },
    contenders: ['email-native', 'imapflow'],
    targets: [atMost('roundTrips', 3), atMost('growthMb', 8)],
  }
}
