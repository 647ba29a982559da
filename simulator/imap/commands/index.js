'use strict'

/*
 * Every command the server knows, by name; each in a file of its own (twins share one).
 */

const { close, unselect } = require('./close.js')
const { copy, move } = require('./copy.js')
const { examine, select } = require('./select.js')
const { getQuota, getQuotaRoot } = require('./quota.js')
const { subscribe, unsubscribe } = require('./subscribe.js')

/** @type {import('../dispatch.js').Handler[]} */
const all = [
  require('./append.js'),
  require('./authenticate.js'),
  require('./capability.js'),
  require('./check.js'),
  close,
  require('./compress.js'),
  copy,
  require('./create.js'),
  require('./delete.js'),
  require('./enable.js'),
  examine,
  require('./expunge.js'),
  require('./fetch.js'),
  getQuota,
  getQuotaRoot,
  require('./id.js'),
  require('./idle.js'),
  require('./list.js'),
  require('./login.js'),
  require('./logout.js'),
  require('./lsub.js'),
  move,
  require('./namespace.js'),
  require('./noop.js'),
  require('./rename.js'),
  require('./search.js'),
  select,
  require('./starttls.js'),
  require('./status.js'),
  require('./store.js'),
  subscribe,
  unselect,
  unsubscribe,
  require('./xlist.js'),
]

/** @type {Map<string, import('../dispatch.js').Handler>} */
const commands = new Map(all.map((handler) => [handler.name, handler]))

module.exports = { commands }
