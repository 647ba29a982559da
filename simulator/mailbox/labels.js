'use strict'

/*
 * Gmail's idea of a mailbox: every message lives once in All Mail (or in Trash or Spam) and the other mailboxes are
 * labels on it. Copying adds a label, expunging takes it off, flags are the message's and show everywhere.
 * A message's places are found by its Content, which all of them share.
 */

/** Mailboxes whose messages are not in All Mail. */
const OUTSIDE = new Set(['\\Trash', '\\Junk'])

/** Labels that X-GM-LABELS shows by attribute rather than by path. */
const SYSTEM_LABELS = new Map([
  ['\\Sent', '\\Sent'],
  ['\\Drafts', '\\Draft'],
  ['\\Flagged', '\\Starred'],
  ['\\Important', '\\Important'],
  ['\\Trash', '\\Trash'],
  ['\\Junk', '\\Spam'],
])

/** @typedef {import('./account.js').Account} Account */
/** @typedef {import('./mailbox.js').Mailbox} Mailbox */
/** @typedef {import('./mailbox.js').Message} Message */

/**
 * Where else a message is: `Content → Map<Mailbox, Message>`, kept up to date by the functions below.
 *
 * @type {WeakMap<import('./content.js').Content, Map<Mailbox, Message>>}
 */
const places = new WeakMap()

/** @param {Message} message */
function placesOf(message) {
  let map = places.get(message.content)
  if (map === undefined) places.set(message.content, (map = new Map()))
  return map
}

/**
 * After new messages came into `mailbox`: they belong to All Mail, too.
 *
 * @param {Account} account
 * @param {Mailbox} mailbox
 * @param {Message[]} messages
 * @param {unknown} origin
 */
function added(account, mailbox, messages, origin) {
  for (const message of messages) placesOf(message).set(mailbox, message)
  if (account.allMail === null || mailbox === account.allMail || OUTSIDE.has(mailbox.specialUse ?? '')) return
  const missing = messages.filter((message) => !placesOf(message).has(/** @type {Mailbox} */ (account.allMail)))
  const twins = account.allMail.add(
    missing.map(({ content, flags }) => ({ content, flags })),
    origin,
  )
  for (const twin of twins) placesOf(twin).set(account.allMail, twin)
}

/**
 * COPY: a label more. Copying to Trash or Spam takes the message out of All Mail and off all labels.
 *
 * @param {Account} account
 * @param {Message[]} messages
 * @param {Mailbox} to
 * @param {unknown} origin
 * @returns {Message[]}
 */
function copy(account, messages, to, origin) {
  const copies = messages.map((message) => {
    const there = placesOf(message).get(to)
    if (there !== undefined) return there
    const [made] = to.add([{ content: message.content, flags: message.flags }], origin)
    added(account, to, [made], origin)
    return made
  })
  if (OUTSIDE.has(to.specialUse ?? '')) for (const each of copies) leaveAllBut(to, each, origin)
  return copies
}

/**
 * After an EXPUNGE: from All Mail, Trash or Spam the message is gone for good; from a label only the label is.
 *
 * @param {Account} account
 * @param {Mailbox} mailbox
 * @param {Message[]} messages
 * @param {unknown} origin
 */
function removed(account, mailbox, messages, origin) {
  for (const message of messages) {
    placesOf(message).delete(mailbox)
    if (mailbox === account.allMail) leaveAllBut(mailbox, message, origin)
  }
}

/**
 * @param {Account} account
 * @param {Mailbox} mailbox
 * @param {Message[]} changed
 */
function flagsChanged(account, mailbox, changed) {
  for (const message of changed) {
    for (const [place, twin] of placesOf(message)) {
      // \Deleted is the label's own: Gmail takes the label off at EXPUNGE, not the message.
      if (place === mailbox) continue
      const own = twin.flags.has('\\Deleted') ? ['\\Deleted'] : []
      const shared = [...message.flags].filter((flag) => flag !== '\\Deleted')
      place.changeFlags([twin], 'set', [...shared, ...own])
    }
  }
}

/**
 * The mailbox was deleted: its messages lose the label.
 *
 * @param {Account} account
 * @param {Mailbox} mailbox
 */
function forget(account, mailbox) {
  for (const message of mailbox.messages) placesOf(message).delete(mailbox)
}

/**
 * X-GM-LABELS as seen from `mailbox`, whose own label is not shown.
 *
 * @param {Account} account
 * @param {Mailbox} mailbox
 * @param {Message} message
 * @returns {string[]} `\Inbox`, `\Sent`, or the mailbox's path
 */
function labelsOf(account, mailbox, message) {
  const names = []
  for (const place of placesOf(message).keys()) {
    if (place !== mailbox && place !== account.allMail) names.push(labelName(place))
  }
  return names
}

/** @param {Mailbox} mailbox */
function labelName(mailbox) {
  if (mailbox.path === 'INBOX') return '\\Inbox'
  return SYSTEM_LABELS.get(mailbox.specialUse ?? '') ?? mailbox.path
}

/**
 * The mailbox a label names, made if it is a new one.
 *
 * @param {Account} account
 * @param {string} label
 * @returns {Mailbox | null} null for a system label that this account lacks
 */
function labelled(account, label) {
  const wanted = label.toLowerCase()
  const found = account.list().find((mailbox) => mailbox.selectable && labelName(mailbox).toLowerCase() === wanted)
  if (found !== undefined) return found
  return label.startsWith('\\') ? null : (account.get(label) ?? account.create(label))
}

/**
 * STORE X-GM-LABELS.
 *
 * @param {Account} account
 * @param {Mailbox} mailbox the one selected
 * @param {Message[]} messages
 * @param {'add' | 'remove' | 'set'} how
 * @param {string[]} names
 * @param {unknown} origin
 */
function changeLabels(account, mailbox, messages, how, names, origin) {
  const wanted = names.map((name) => labelled(account, name)).filter((each) => each !== null)
  for (const message of messages) {
    const current = [...placesOf(message)].filter(([place]) => place !== mailbox && place !== account.allMail)
    if (how !== 'remove') for (const place of wanted) copy(account, [message], place, origin)
    for (const [place, twin] of current) {
      const drop = how === 'remove' ? wanted.includes(place) : how === 'set' && !wanted.includes(place)
      if (drop) account.remove(place, [twin], origin)
    }
  }
}

/**
 * @param {Mailbox} mailbox
 * @param {Message} message
 * @param {unknown} origin
 */
function leaveAllBut(mailbox, message, origin) {
  for (const [place, twin] of [...placesOf(message)]) {
    if (place === mailbox) continue
    placesOf(message).delete(place)
    place.remove([twin], origin)
  }
}

module.exports = { added, changeLabels, copy, flagsChanged, forget, labelsOf, removed }
