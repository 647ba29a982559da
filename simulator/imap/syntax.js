'use strict'

/*
 * Writing what RFC 3501 §9 calls atom, string, nstring, date-time, and mailbox names. Strings of the protocol are "byte
 * strings" here (latin1, one character per byte), so that what a mail holds goes out as it came in.
 */

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/** Longer strings are sent as literals even where quoting would do: some clients limit their lines. */
const MAX_QUOTED = 4096

// eslint-disable-next-line no-control-regex -- NUL, CR, LF and 8-bit are what must not be quoted
const NEEDS_LITERAL = /[\x00\r\n\x80-\xff]/

/**
 *     string = quoted / literal
 *
 * @param {string} bytes
 */
function string(bytes) {
  if (bytes.length > MAX_QUOTED || NEEDS_LITERAL.test(bytes)) return `{${bytes.length}}\r\n${bytes}`
  return quoted(bytes)
}

/** @param {string} text without CR and LF */
function quoted(text) {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}

/** @param {string | null} bytes */
function nstring(bytes) {
  return bytes === null ? 'NIL' : string(bytes)
}

/**
 * An atom where the grammar lets it be one, else a string.
 *
 * @param {string} bytes
 */
function astring(bytes) {
  return /^[!#$&'+,\-./0-9:;<=>?@A-Z[\]^_`a-z|}~]+$/.test(bytes) && bytes.toUpperCase() !== 'NIL'
    ? bytes
    : string(bytes)
}

/**
 * @param {string} text Unicode
 * @returns {string} its UTF-8 as a byte string
 */
function utf8(text) {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/**
 *     date-time = DQUOTE date-day-fixed "-" date-month "-" date-year SP time SP zone DQUOTE
 *
 * @param {Date} date
 */
function dateTime(date) {
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0')
  const day = String(date.getUTCDate()).padStart(2, ' ')
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(':')
  return `"${day}-${MONTHS[date.getUTCMonth()]}-${date.getUTCFullYear()} ${time} +0000"`
}

/**
 * @param {string} text `17-Jul-1996 02:44:25 -0700`
 * @returns {Date | null}
 */
function parseDateTime(text) {
  const match = /^([ \d]\d)-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/.exec(text)
  if (match === null) return null
  const month = monthIndex(match[2])
  if (month === -1) return null
  const [day, year, hour, minute, second, zoneHour, zoneMinute] = [1, 3, 4, 5, 6, 8, 9].map((group) =>
    Number(match[group]),
  )
  const offset = (zoneHour * 60 + zoneMinute) * (match[7] === '-' ? -1 : 1)
  return new Date(Date.UTC(year, month, day, hour, minute, second) - offset * 60_000)
}

/**
 * @param {string} text `1-Feb-1994`
 * @returns {number | null} days since 1970, so that dates compare without a time zone
 */
function parseDate(text) {
  const match = /^(\d{1,2})-(\w{3})-(\d{4})$/.exec(text)
  const month = match === null ? -1 : monthIndex(match[2])
  return match === null || month === -1 ? null : dayNumber(Number(match[3]), month, Number(match[1]))
}

/**
 * @param {number} year
 * @param {number} month 0–11
 * @param {number} day
 */
function dayNumber(year, month, day) {
  return Math.floor(Date.UTC(year, month, day) / 86_400_000)
}

/** @param {string} name */
function monthIndex(name) {
  return MONTHS.findIndex((month) => month.toLowerCase() === name.toLowerCase())
}

module.exports = { astring, dateTime, dayNumber, monthIndex, nstring, parseDate, parseDateTime, quoted, string, utf8 }
