'use strict'

const { splitAuth } = require('./auth.js')
const { run, withoutCall } = require('./call.js')
const { fetchedMessage } = require('./decode.js')
const { encode } = require('./encode.js')
const { captureOrigin, invalidArgument } = require('./error.js')
const native = require('./native.js')
const { MessageStream, pagesOf } = require('./stream.js')

const KEY = Symbol('email-native')

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
        const { auth, source, callback } = splitAuth(options?.auth)
        const { json } = encode({ ...withoutCall(options), auth }, 'options')
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
    return this.#call(this.list, options, 'list', [withoutCall(options)])
  }

  status(path, options) {
    return this.#call(this.status, options, 'status', [path])
  }

  create(path, options) {
    return this.#call(this.create, options, 'create', [path, withoutCall(options)], nothing)
  }

  rename(from, to, options) {
    return this.#call(this.rename, options, 'rename', [from, to], nothing)
  }

  deleteMailbox(path, options) {
    return this.#call(this.deleteMailbox, options, 'deleteMailbox', [path], nothing)
  }

  search(path, query, options) {
    return this.#call(this.search, options, 'search', [path, query, withoutCall(options)])
  }

  fetch(path, uids, query, options) {
    const open = (call, size) => {
      const { json } = encode([path, uids, query, withoutCall(options)].map(orNull), 'arguments')
      if (!Number.isInteger(size) || size < 1) throw invalidArgument(`the page size is ${String(size)}`)
      return this.#native.fetch(call, json, size)
    }
    return new MessageStream(this.fetch, options, open, messages)
  }

  fetchOne(path, uid, query, options) {
    const args = [path, uid, query, withoutCall(options)]
    return this.#call(this.fetchOne, options, 'fetchOne', args, (row, beside) =>
      row === null ? null : fetchedMessage(row, beside),
    )
  }

  download(path, uid, options) {
    const open = (call) =>
      this.#native.download(call, encode([path, uid, withoutCall(options)].map(orNull), 'arguments').json)
    return pagesOf(captureOrigin(this.download), options, open, (_json, { blobs }) => blobs[0])
  }

  addFlags(path, uids, flags, options) {
    return this.#call(this.addFlags, options, 'addFlags', [path, uids, flags, withoutCall(options)], nothing)
  }

  removeFlags(path, uids, flags, options) {
    return this.#call(this.removeFlags, options, 'removeFlags', [path, uids, flags, withoutCall(options)], nothing)
  }

  setFlags(path, uids, flags, options) {
    return this.#call(this.setFlags, options, 'setFlags', [path, uids, flags, withoutCall(options)], nothing)
  }

  copy(path, uids, destination, options) {
    return this.#call(this.copy, options, 'copy', [path, uids, destination, withoutCall(options)])
  }

  move(path, uids, destination, options) {
    return this.#call(this.move, options, 'move', [path, uids, destination, withoutCall(options)])
  }

  delete(path, uids, options) {
    return this.#call(this.delete, options, 'delete', [path, uids, withoutCall(options)], nothing)
  }

  append(path, message, options) {
    return this.#call(this.append, options, 'append', [path, message, withoutCall(options)])
  }

  replace(path, uid, message, options) {
    return this.#call(this.replace, options, 'replace', [path, uid, message, withoutCall(options)])
  }

  watch(path, options) {
    const open = (call) => this.#native.watch(call, encode([orNull(path)], 'arguments').json)
    return pagesOf(captureOrigin(this.watch), options, open, (event) => event)
  }

  logout(options) {
    return this.#call(this.logout, options, 'logout', [], nothing)
  }

  close() {
    this.#native.close()
  }

  #call(method, options, name, args, finish = identity) {
    return run(
      method,
      options,
      (call) => {
        const { json, blobs } = encode(args.map(orNull), 'arguments')
        return this.#native[name](call, json, blobs)
      },
      finish,
    )
  }
}

function messages(rows, beside) {
  for (const row of rows) fetchedMessage(row, beside)
  return rows
}

function orNull(value) {
  return value === undefined ? null : value
}

function identity(json) {
  return json
}

function nothing() {}

module.exports = { ImapClient }
