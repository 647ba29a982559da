'use strict'

/**
 * A mail between two people of this world, so that an answer to it arrives where it can be looked at.
 *
 * @param {{ user: string, name: string }} from
 * @param {{ user: string, name: string }} to
 * @param {Date} date
 * @returns {Buffer}
 */
function colleagueMail(from, to, date) {
  const [first] = to.name.split(' ')
  const lines = [
    `From: ${from.name} <${from.user}>`,
    `To: ${to.name} <${to.user}>`,
    'Subject: The offices in the old mill',
    `Date: ${date.toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <old-mill-${date.getTime()}@${from.user.split('@')[1]}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    '',
    `Hello ${first},`,
    '',
    'I was there this morning: bright rooms, thirty desks, and a roof that has to be seen to. Could you write down',
    'what you noticed, so that I can ask the landlord about all of it at once?',
    '',
    'Thank you!',
    from.name.split(' ')[0],
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}

module.exports = { colleagueMail }
