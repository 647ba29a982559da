'use strict'

const { address, headerText } = require('./encode.js')
const { textField } = require('./compose.js')
const { Random } = require('./random.js')
const { texts } = require('./texts/index.js')

/*
 * What every made-up mail has: who, when, in which language and charset, where in a conversation; and the header fields
 * that follow from it, transport noise included.
 */

/** @typedef {import('./people.js').Person} Person */
/** @typedef {import('./people.js').Language} Language */

/**
 * @typedef {object} Letter
 * @property {Person} from
 * @property {Person[]} to
 * @property {Person[]} cc
 * @property {Date} date
 * @property {Language} language
 * @property {Charset} charset
 * @property {string} subject
 * @property {string} messageId with angle brackets
 * @property {Letter | null} answers
 * @property {string} topic subject without prefixes, the same in a whole conversation
 * @property {string} threadIndex base64
 * @property {number} seed of everything else in it
 * @property {string[]} extra more header lines
 */

/** @typedef {{ name: string, encoding: '7bit' | '8bit' | 'base64' | 'quoted-printable' }} Charset */

/** What is used where, the common ones more often. @type {Record<Language, Charset[]>} */
const CHARSETS = {
  en: [
    { name: 'us-ascii', encoding: '7bit' },
    { name: 'utf-8', encoding: 'quoted-printable' },
    { name: 'us-ascii', encoding: '7bit' },
  ],
  ja: [
    { name: 'iso-2022-jp', encoding: '7bit' },
    { name: 'utf-8', encoding: 'base64' },
    { name: 'iso-2022-jp', encoding: '7bit' },
    { name: 'shift_jis', encoding: 'base64' },
    { name: 'utf-8', encoding: '8bit' },
  ],
  zh: [
    { name: 'gb18030', encoding: 'base64' },
    { name: 'utf-8', encoding: 'base64' },
    { name: 'gbk', encoding: '8bit' },
    { name: 'gb2312', encoding: 'quoted-printable' },
  ],
  tw: [
    { name: 'big5', encoding: 'base64' },
    { name: 'big5', encoding: '8bit' },
    { name: 'utf-8', encoding: 'base64' },
  ],
  de: [
    { name: 'iso-8859-1', encoding: 'quoted-printable' },
    { name: 'iso-8859-1', encoding: '8bit' },
    { name: 'utf-8', encoding: 'quoted-printable' },
  ],
}

const MAILERS = [
  'Microsoft Outlook 16.0',
  'Mozilla Thunderbird',
  'Apple Mail (2.3774.600.62)',
  'Foxmail 7.2.25[cn]',
  'Becky! ver. 2.81.06 [ja]',
]

/**
 * The first mail of a conversation.
 *
 * @param {Random} random
 * @param {{ from: Person, to: Person[], cc?: Person[], date: Date, language: Language, subject?: string, extra?: string[] }} basics
 * @returns {Letter}
 */
function letter(random, { from, to, cc = [], date, language, subject, extra = [] }) {
  const topic = subject ?? random.pick(texts[language].subjects).replace('{n}', String(random.integer(1000, 9999)))
  const charset = random.pick(CHARSETS[language])
  return {
    from,
    to,
    cc,
    date,
    language,
    charset,
    subject: topic,
    topic,
    messageId: newMessageId(random, from),
    answers: null,
    threadIndex: firstThreadIndex(random, date),
    seed: random.integer(0, 0x7fffffff),
    extra,
  }
}

/**
 * An answer to another mail, to its sender and everybody else who had it.
 *
 * @param {Random} random
 * @param {Letter} original
 * @param {Person} from one who had it
 * @param {Date} date
 * @returns {Letter}
 */
function answer(random, original, from, date) {
  const others = (/** @type {Person[]} */ list) => list.filter((person) => person.address !== from.address)
  const to = others([original.from, ...original.to])
  const { replyPrefix } = texts[original.language]
  return {
    ...original,
    from,
    to: to.length > 0 ? to : [original.from],
    cc: others(original.cc),
    date,
    subject: original.subject.startsWith(replyPrefix) ? original.subject : replyPrefix + original.subject,
    messageId: newMessageId(random, from),
    answers: original,
    threadIndex: nextThreadIndex(random, original.threadIndex),
    seed: random.integer(0, 0x7fffffff),
    extra: [],
  }
}

/**
 * @param {Letter} mail
 * @returns {string[]} header lines, from transport to thread
 */
function headerOf(mail) {
  const { from, to, cc, charset, answers } = mail
  const random = new Random(mail.seed ^ 0x5bd1e995)
  const people = (/** @type {Person[]} */ list) => list.map((person) => address(person, charset.name)).join(',\r\n\t')
  const lines = [...transport(mail, random), `From: ${people([from])}`, `To: ${people(to)}`]
  if (cc.length > 0) lines.push(`Cc: ${people(cc)}`)
  lines.push(textField('Subject', mail.subject, charset.name))
  lines.push(textField('Thread-Topic', mail.topic, charset.name), `Thread-Index: ${mail.threadIndex}`)
  lines.push(`Date: ${dateField(mail.date, from.zone)}`, `Message-ID: ${mail.messageId}`)
  if (answers !== null) lines.push(`In-Reply-To: ${answers.messageId}`, `References: ${references(mail).join('\r\n ')}`)
  lines.push(`X-Mailer: ${random.pick(MAILERS)}`, `X-Organization: ${headerText(from.company, charset.name)}`)
  return [...lines, ...mail.extra]
}

/**
 * The conversation so far, oldest first.
 *
 * @param {Letter} mail
 * @returns {string[]}
 */
function references(mail) {
  const ids = []
  for (let each = mail.answers; each !== null; each = each.answers) ids.unshift(each.messageId)
  return ids
}

/**
 * Received lines and signatures: half of a real header.
 *
 * @param {Letter} mail
 * @param {Random} random
 */
function transport({ from, to, date, messageId }, random) {
  const domain = from.address.split('@')[1]
  const target = to[0].address
  const at = (/** @type {number} */ seconds) => dateField(new Date(date.getTime() + seconds * 1000), '+0000')
  const ip = () => `192.0.2.${random.integer(1, 254)}`
  return [
    `Return-Path: <${from.address}>`,
    `Received: from mx1.${domain} (mx1.${domain} [${ip()}])\r\n\tby mail.contoso.example (Postfix) with ESMTPS id ${random.hex(10)}\r\n\tfor <${target}>; ${at(3)}`,
    `Received: from client.${domain} ([${ip()}])\r\n\tby mx1.${domain} with ESMTPSA id ${messageId.slice(1, 13)};\r\n\t${at(1)}`,
    `DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=${domain}; s=s1;\r\n\th=from:to:subject:date:message-id:mime-version:content-type;\r\n\tbh=${random.bytes(32).toString('base64')};\r\n\tb=${random.bytes(48).toString('base64')}\r\n\t ${random.bytes(48).toString('base64')}`,
    `Authentication-Results: mail.contoso.example; spf=pass smtp.mailfrom=${domain};\r\n\tdkim=pass header.d=${domain}; dmarc=pass action=none`,
  ]
}

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']

/**
 * RFC 5322 §3.3.
 *
 * @param {Date} date
 * @param {string} zone `+0900`
 */
function dateField(date, zone) {
  const minutes = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))) * (zone.startsWith('-') ? -1 : 1)
  const local = new Date(date.getTime() + minutes * 60_000)
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0')
  const time = [local.getUTCHours(), local.getUTCMinutes(), local.getUTCSeconds()].map(two).join(':')
  return `${DAYS[local.getUTCDay()]}, ${local.getUTCDate()} ${MONTHS[local.getUTCMonth()]} ${local.getUTCFullYear()} ${time} ${zone}`
}

/**
 * @param {Random} random
 * @param {Person} from
 */
function newMessageId(random, from) {
  return `<${random.hex(16)}.${random.integer(100000, 999999)}@${from.address.split('@')[1]}>`
}

/**
 * Outlook's: a time and a GUID for the conversation, five more bytes for every answer.
 *
 * @param {Random} random
 * @param {Date} date
 */
function firstThreadIndex(random, date) {
  // FILETIME: 100 ns since 1601; the upper six bytes are kept.
  const ticks = (BigInt(date.getTime()) + 11644473600000n) * 10000n
  const head = Buffer.alloc(8)
  head.writeBigUInt64BE(ticks)
  return Buffer.concat([head.subarray(0, 6), random.bytes(16)]).toString('base64')
}

/**
 * @param {Random} random
 * @param {string} previous
 */
function nextThreadIndex(random, previous) {
  return Buffer.concat([Buffer.from(previous, 'base64'), random.bytes(5)]).toString('base64')
}

module.exports = { answer, dateField, headerOf, letter }
