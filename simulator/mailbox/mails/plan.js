'use strict'

const { people } = require('./people.js')
const { answer, letter } = require('./letter.js')
const { texts } = require('./texts/index.js')
const { forwarding, withFiles, withInlineImages } = require('./recipes/attachments.js')
const { bounce } = require('./recipes/bounce.js')
const { invitation } = require('./recipes/invitation.js')
const { newsletter } = require('./recipes/newsletter.js')
const { plainNote, richNote } = require('./recipes/notes.js')

/*
 * Who writes to whom, when and in which way: conversations, dealt from a deck so that even a small mailbox has one of
 * each. Only letters are made here, the bytes later.
 */

/** @typedef {import('./letter.js').Letter} Letter */
/** @typedef {import('./people.js').Person} Person */
/** @typedef {import('./people.js').Language} Language */
/** @typedef {import('./random.js').Random} Random */

/**
 * @typedef {object} Planned
 * @property {Letter} mail
 * @property {() => Buffer} compose
 * @property {string | null} specialUse of the mailbox it is filed in
 * @property {string | null} path of a mailbox without special use; both null: INBOX
 * @property {boolean} answered
 */

/** @typedef {{ random: Random, owner: Person, date: Date, language: Language }} Setting */
/** @typedef {(setting: Setting) => Planned[]} Kind */

/** How languages are mixed in the mailbox. @type {Language[]} */
const LANGUAGES = ['en', 'en', 'en', 'en', 'ja', 'ja', 'ja', 'zh', 'zh', 'tw', 'de', 'de']

/** @type {Kind} */
const plain = (setting) => [incoming(setting, plainNote)]
/** @type {Kind} */
const rich = (setting) => [incoming(setting, richNote)]
/** @type {Kind} */
const attached = (setting) => [incoming(setting, withFiles)]
/** @type {Kind} */
const illustrated = (setting) => [incoming(setting, withInlineImages)]
/** @type {Kind} */
const invited = (setting) => [incoming(setting, invitation, texts[setting.language].meeting.subject)]

/** @type {Kind} */
const subscribed = (setting) => [incoming(setting, newsletter, setting.random.pick(texts[setting.language].headlines))]

/** @type {Kind} */
const forwarded = (setting) => {
  const { random, owner, date, language } = setting
  const [sender, other] = random.sample(people[language], 2)
  const before = new Date(date.getTime() - random.integer(1, 72) * 3_600_000)
  const original = letter(random, { from: other, to: [sender], date: before, language })
  const mail = letter(random, {
    from: sender,
    to: [owner],
    date,
    language,
    subject: texts[language].forwardPrefix + original.subject,
  })
  return [planned(mail, () => forwarding(mail, original))]
}

/** Several people, each answering the last; the mailbox's user among them. @type {Kind} */
const thread = ({ random, owner, date, language }) => {
  const [starter, second, third] = random.sample(people[language], 3)
  const company = [second, third].filter((person) => person !== undefined)
  /** @type {Planned[]} */
  const mails = []
  let last = letter(random, { from: starter, to: [owner], cc: company, date, language })
  mails.push(planned(last, noteOf(last, random)))
  let time = date.getTime()
  for (let left = random.integer(2, 6); left > 0; left--) {
    time += random.integer(10, 60 * 30) * 60_000
    const writers = [starter, ...company, owner].filter((person) => person.address !== last.from.address)
    const writer = random.pick(writers)
    const next = answer(random, last, writer, new Date(time))
    const own = writer.address === owner.address
    if (own) mails[mails.length - 1].answered = true
    mails.push({ ...planned(next, noteOf(next, random)), specialUse: own ? '\\Sent' : null })
    last = next
  }
  return mails
}

/** Sent to an address that is no more, and what came back. @type {Kind} */
const bounced = ({ random, owner, date }) => {
  const lost = {
    ...random.pick(people.en),
    name: 'Former Colleague',
    address: `former.colleague${random.integer(1, 99)}@gone.example`,
  }
  const original = letter(random, { from: owner, to: [lost], date, language: 'en' })
  const daemon = {
    ...owner,
    name: 'Mail Delivery System',
    address: 'MAILER-DAEMON@mail.contoso.example',
    company: 'Contoso',
  }
  const back = new Date(date.getTime() + 4000)
  const mail = letter(random, {
    from: daemon,
    to: [owner],
    date: back,
    language: 'en',
    subject: 'Undelivered Mail Returned to Sender',
  })
  mail.charset = { name: 'us-ascii', encoding: '7bit' }
  return [
    { ...planned(original, () => plainNote(original)), specialUse: '\\Sent' },
    planned(mail, () => bounce(mail, original)),
  ]
}

/** @type {(specialUse: string, kinds: Kind[]) => Kind} */
const filed = (specialUse, kinds) => (setting) => {
  const own = specialUse === '\\Sent' || specialUse === '\\Drafts'
  const mails = setting.random
    .pick(kinds)(setting)
    .map((each) => ({ ...each, specialUse: each.specialUse ?? specialUse }))
  if (!own) return mails
  for (const { mail } of mails) [mail.from, mail.to] = [setting.owner, [mail.from]]
  return mails
}

/** @type {(path: string, kinds: Kind[]) => Kind} */
const sorted = (path, kinds) => (setting) =>
  setting.random
    .pick(kinds)(setting)
    .map((each) => ({ ...each, path }))

/** Forty conversations: what an office mailbox is made of. @type {Kind[]} */
const DECK = [
  ...[plain, plain, plain, plain, plain, plain, plain, plain, plain, plain],
  ...[rich, rich, rich, rich, rich, rich, rich],
  ...[thread, thread, thread, thread],
  ...[subscribed, subscribed, subscribed, subscribed],
  ...[attached, attached, attached, attached],
  ...[illustrated, illustrated],
  ...[invited, forwarded, bounced],
  ...[filed('\\Sent', [plain, attached]), filed('\\Sent', [rich]), filed('\\Drafts', [plain])],
  ...[sorted('R&D', [plain, attached]), sorted('請求書', [attached])],
  ...[
    filed('\\Junk', [subscribed]),
    filed('\\Trash', [plain, subscribed]),
    filed('\\Archive', [plain, rich, attached]),
  ],
]

/**
 * @param {Random} random
 * @param {{ count: number, owner: Person, now: Date, days: number }} options
 * @returns {Planned[]} oldest first
 */
function plan(random, { count, owner, now, days }) {
  /** @type {Planned[]} */
  const mails = []
  /** @type {Kind[]} */
  let deck = []
  while (mails.length < count) {
    if (deck.length === 0) deck = random.shuffled(DECK)
    const kind = /** @type {Kind} */ (deck.pop())
    // Denser towards today.
    const age = Math.pow(random.next(), 1.4) * days * 86_400_000
    const date = new Date(Math.floor((now.getTime() - age) / 1000) * 1000)
    // Answers that would come after now have not been written yet.
    const written = kind({ random, owner, date, language: random.pick(LANGUAGES) }).filter(
      ({ mail }) => mail.date <= now,
    )
    mails.push(...written)
  }
  return mails.slice(0, count).sort((a, b) => a.mail.date.getTime() - b.mail.date.getTime())
}

/**
 * @param {Setting} setting
 * @param {(mail: Letter) => Buffer} recipe
 * @param {string} [subject]
 */
function incoming({ random, owner, date, language }, recipe, subject) {
  const [from, ...others] = random.sample(people[language], 3)
  const cc = random.chance(0.3) ? others : []
  const mail = letter(random, { from, to: [owner], cc, date, language, subject })
  return planned(mail, () => recipe(mail))
}

/**
 * @param {Letter} mail
 * @param {Random} random
 */
function noteOf(mail, random) {
  const recipe = random.chance(0.15) ? withFiles : random.chance(0.5) ? richNote : plainNote
  return () => recipe(mail)
}

/**
 * @param {Letter} mail
 * @param {() => Buffer} compose
 * @returns {Planned}
 */
function planned(mail, compose) {
  return { mail, compose, specialUse: null, path: null, answered: false }
}

module.exports = { plan }
