'use strict'

const { splitAuth } = require('./auth.js')
const { run } = require('./call.js')
const { filled, intoOwnBuffers } = require('./chunks.js')
const { fetchedMessage, messages, syncBatch } = require('./decode.js')
const { encode, encodeAll, withoutCall } = require('./encode.js')
const { captureOrigin, invalidArgument } = require('./error.js')
const native = require('./native.js')
const { MessageStream, pagesOf } = require('./stream.js')
const { eventsOf } = require('./watch.js')

const KEY = Symbol('email-native')

/** Rows that cross at once behind a loop over messages: no crossing holds the event loop for more than a moment. */
const ROWS_AT_ONCE = 100

/** The same of parsed messages, of which each is worth ten such rows. */
const PARSED_AT_ONCE = 16

class ImapClient {
  #native

  constructor(key, handle) {
    if (key !== KEY) throw invalidArgument('make an ImapClient with ImapClient.connect()', captureOrigin(ImapClient))
    this.#native = handle
  }

  static connect(options) {
    return run(
      ImapClient.connect,
      options,
      (call) => {
        const { auth: given, ...rest } = withoutCall(options)
        const { auth, source, callback } = splitAuth(given)
        const { json } = encode({ ...rest, auth }, 'options')
        return native.imapConnect(call, json, source, callback)
      },
      (_json, { handle }) => new ImapClient(KEY, handle),
    )
  }

  get capabilities() {
    return this.#native.capabilities
  }

  get closed() {
    return this.#native.closed
  }

  list(options) {
    return this.#call(this.list, options, 'list', { options })
  }

  status(path, options) {
    return this.#call(this.status, options, 'status', { path })
  }

  create(path, options) {
    return this.#call(this.create, options, 'create', { path, options }, nothing)
  }

  rename(from, to, options) {
    return this.#call(this.rename, options, 'rename', { from, to }, nothing)
  }

  deleteMailbox(path, options) {
    return this.#call(this.deleteMailbox, options, 'deleteMailbox', { path }, nothing)
  }

  search(path, query, options) {
    return this.#call(this.search, options, 'search', { path, query, options })
  }

  fetch(path, uids, query, options) {
    const args = { path, uids, query, options }
    const open = (call, size = query?.message ? PARSED_AT_ONCE : ROWS_AT_ONCE) =>
      this.#native.fetch(call, encodeAll(args).json, size)
    return new MessageStream(this.fetch, options, open, messages, Object.keys(args))
  }

  fetchOne(path, uid, query, options) {
    const args = { path, uid, query, options }
    return this.#call(this.fetchOne, options, 'fetchOne', args, fetchedMessage)
  }

  download(path, uid, options) {
    const args = { path, uid, options }
    const open = (call) => intoOwnBuffers(this.#native.download(call, encodeAll(args).json))
    return pagesOf(captureOrigin(this.download), options, open, filled, Object.keys(args))
  }

  sync(path, cursor, options) {
    const args = { path, cursor, options }
    const open = (call) => this.#native.sync(call, encodeAll(args).json)
    return pagesOf(captureOrigin(this.sync), options, open, syncBatch, Object.keys(args))
  }

  addFlags(path, uids, flags, options) {
    return this.#call(this.addFlags, options, 'addFlags', { path, uids, flags, options }, nothing)
  }

  removeFlags(path, uids, flags, options) {
    return this.#call(this.removeFlags, options, 'removeFlags', { path, uids, flags, options }, nothing)
  }

  setFlags(path, uids, flags, options) {
    return this.#call(this.setFlags, options, 'setFlags', { path, uids, flags, options }, nothing)
  }

  copy(path, uids, destination, options) {
    return this.#call(this.copy, options, 'copy', { path, uids, destination, options })
  }

  move(path, uids, destination, options) {
    return this.#call(this.move, options, 'move', { path, uids, destination, options })
  }

  delete(path, uids, options) {
    return this.#call(this.delete, options, 'delete', { path, uids, options }, nothing)
  }

  append(path, message, options) {
    return this.#call(this.append, options, 'append', { path, message, options })
  }

  replace(path, uid, message, options) {
    return this.#call(this.replace, options, 'replace', { path, uid, message, options })
  }

  watch(path, options) {
    const open = (call, notify) => this.#native.watch(call, encodeAll({ path }).json, notify)
    return eventsOf(captureOrigin(this.watch), options, open)
  }

  logout(options) {
    return this.#call(this.logout, options, 'logout', {}, nothing)
  }

  close() {
    this.#native.close()
  }

  #call(method, options, name, args, finish = identity) {
    return run(
      method,
      options,
      (call) => {
        const { json, blobs } = encodeAll(args)
        return this.#native[name](call, json, blobs)
      },
      finish,
      Object.keys(args),
    )
  }
}

function identity(json) {
  return json
}

function nothing() {}

module.exports = { ImapClient }
