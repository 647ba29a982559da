'use strict'

/** What tests measure limits by: who was connected when, who sent when. */
class Statistics {
  constructor() {
    this.connections = 0
    /** Signed in at the same time, by mailbox. @type {Map<string, { now: number, most: number }>} */
    this.users = new Map()
    /** @type {Array<{ user: string, at: number }>} */
    this.messages = []
  }

  signedIn(user) {
    const count = this.users.get(user) ?? { now: 0, most: 0 }
    count.now += 1
    count.most = Math.max(count.most, count.now)
    this.users.set(user, count)
  }

  left(user) {
    const count = this.users.get(user)
    if (count) count.now = Math.max(0, count.now - 1)
  }

  open(user) {
    return this.users.get(user)?.now ?? 0
  }

  most(user) {
    return this.users.get(user)?.most ?? 0
  }

  /** When the mailbox may send its next message, if at most so many are allowed in so many milliseconds. */
  turn(user, messages, perMs) {
    const mine = this.messages.filter((message) => message.user === user)
    const before = mine.at(-messages)
    return before === undefined ? 0 : before.at + perMs
  }

  sent(user) {
    this.messages.push({ user, at: Date.now() })
  }

  clear() {
    this.messages.length = 0
    for (const count of this.users.values()) count.most = count.now
  }
}

module.exports = { Statistics }
