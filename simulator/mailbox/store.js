'use strict'

const { Account } = require('./account.js')

/*
 * All accounts of a mail world, in memory. SMTP delivers into it, IMAP serves from it, tests look into it.
 */

class Store {
  /** @param {{ layout?: import('./layouts.js').LayoutEntry[] | string }} [options] the mailboxes of new accounts */
  constructor({ layout = 'outlook' } = {}) {
    this.layout = layout
    /** @type {Map<string, Account>} */
    this.users = new Map()
    this.serial = 0
  }

  /**
   * The account of an address; made with its default mailboxes the first time.
   *
   * @param {string} user
   * @param {{ layout?: import('./layouts.js').LayoutEntry[] | string }} [options]
   */
  account(user, options = {}) {
    const key = user.toLowerCase()
    let account = this.users.get(key)
    if (account === undefined) {
      account = new Account({ user: key, layout: options.layout ?? this.layout, nextSerial: () => ++this.serial })
      this.users.set(key, account)
    }
    return account
  }

  /** @param {string} user */
  has(user) {
    return this.users.has(user.toLowerCase())
  }

  accounts() {
    return [...this.users.values()]
  }
}

/** @param {ConstructorParameters<typeof Store>[0]} [options] */
function createStore(options) {
  return new Store(options)
}

module.exports = { Store, createStore }
