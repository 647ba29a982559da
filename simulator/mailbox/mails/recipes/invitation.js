'use strict'

const { compose } = require('../compose.js')
const { base64 } = require('../encode.js')
const { headerOf } = require('../letter.js')
const { escape } = require('../prose.js')
const { Random } = require('../random.js')
const { texts } = require('../texts/index.js')

/*
 * A meeting request (RFC 5546, 6047): text, HTML and text/calendar as alternatives, and the same calendar as a file, as
 * Google and Outlook send it.
 */

/** @param {import('../letter.js').Letter} mail */
function invitation(mail) {
  const random = new Random(mail.seed)
  const { meeting } = texts[mail.language]
  const start = new Date(mail.date.getTime() + random.integer(2, 14) * 86_400_000)
  start.setUTCHours(random.integer(7, 15), random.pick([0, 30]), 0, 0)
  const calendar = request(mail, meeting, start, random)
  const when = `${start.toISOString().slice(0, 16).replace('T', ' ')} UTC`
  const content = `${meeting.subject}\n\n${when}\n${meeting.location}\n\n${meeting.description}`
  const html = `<html><body><h3>${escape(meeting.subject)}</h3><p>${when}<br>${escape(meeting.location)}</p><p>${escape(meeting.description)}</p></body></html>`
  const text = { charset: 'utf-8', encoding: /** @type {const} */ ('base64') }
  /** @type {import('../compose.js').MultiPart} */
  const alternatives = {
    multipart: 'alternative',
    parts: [
      { ...text, text: 'plain', content },
      { ...text, text: 'html', content: html },
      { ...text, text: 'calendar', content: calendar, parameters: '; method=REQUEST' },
    ],
  }
  /** @type {import('../compose.js').RawPart} */
  const file = {
    header: [
      'Content-Type: application/ics; name="invite.ics"',
      'Content-Disposition: attachment; filename="invite.ics"',
      'Content-Transfer-Encoding: base64',
    ],
    body: base64(Buffer.from(calendar.replace(/\n/g, '\r\n'))),
  }
  return compose(headerOf(mail), { multipart: 'mixed', parts: [alternatives, file] }, `000000000000${random.hex(16)}`)
}

/**
 * @param {import('../letter.js').Letter} mail
 * @param {{ subject: string, location: string, description: string }} meeting
 * @param {Date} start
 * @param {Random} random
 */
function request({ from, to, date }, meeting, start, random) {
  const stamp = (/** @type {Date} */ time) => time.toISOString().replace(/[-:]|\.\d+/g, '')
  const attendees = to.map(
    ({ name, address }) =>
      `ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=NEEDS-ACTION;RSVP=TRUE;CN=${name}:mailto:${address}`,
  )
  const lines = [
    'BEGIN:VCALENDAR',
    'PRODID:-//Made up//Mail world//EN',
    'VERSION:2.0',
    'CALSCALE:GREGORIAN',
    'METHOD:REQUEST',
    'BEGIN:VEVENT',
    `DTSTART:${stamp(start)}`,
    `DTEND:${stamp(new Date(start.getTime() + 3_600_000))}`,
    `DTSTAMP:${stamp(date)}`,
    `ORGANIZER;CN=${from.name}:mailto:${from.address}`,
    `UID:${random.hex(26)}@calendar.example`,
    ...attendees,
    `SUMMARY:${meeting.subject}`,
    `LOCATION:${escaped(meeting.location)}`,
    `DESCRIPTION:${escaped(meeting.description)}`,
    'SEQUENCE:0',
    'STATUS:CONFIRMED',
    'TRANSP:OPAQUE',
    'BEGIN:VALARM',
    'ACTION:DISPLAY',
    'DESCRIPTION:Reminder',
    'TRIGGER:-PT15M',
    'END:VALARM',
    'END:VEVENT',
    'END:VCALENDAR',
  ]
  return lines.map(folded).join('\n')
}

/**
 * RFC 5545 §3.3.11.
 *
 * @param {string} text
 */
function escaped(text) {
  return text.replace(/[\\;,]/g, '\\$&')
}

/**
 * RFC 5545 §3.1: lines of at most 75 octets, never cut inside a character.
 *
 * @param {string} line
 */
function folded(line) {
  let out = ''
  let width = 0
  for (const char of line) {
    const octets = Buffer.byteLength(char)
    if (width + octets > 74) {
      out += '\n '
      width = 1
    }
    out += char
    width += octets
  }
  return out
}

module.exports = { invitation }
