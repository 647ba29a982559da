'use strict'

const { begun, openCall, settled, withOrigin } = require('./call.js')
const { captureOrigin, invalidArgument } = require('./error.js')
const { leavable } = require('./leave.js')
const { whole } = require('./texts.js')

/**
 * Pages of a native stream, opened by the first `next`, closed when the loop is left in whatever way.
 * `open(call)` starts the native work and answers a reply with a handle; `page(json, beside)` makes one page.
 */
function pagesOf(origin, options, open, page, names) {
  let handle = null
  return leavable(pages(), () => handle?.close())

  async function* pages() {
    let scope = null
    try {
      scope = openCall(options)
      handle = begun(() => open(scope.call), origin, names)[1].handle
      for (;;) {
        const [json, beside] = settled(await handle.next(), origin)
        if (json === null) return
        yield page(json, await whole(beside))
      }
    } catch (thrown) {
      throw withOrigin(thrown, origin)
    } finally {
      if (handle !== null) handle.close()
      if (scope !== null) scope.close()
    }
  }
}

/** What `fetch` returns: messages one by one, or by `pages`. */
class MessageStream {
  #openPages
  #rows = null

  /** `open(call, size)`: without a size it is for a loop over messages. */
  constructor(method, options, open, page, names) {
    const origin = captureOrigin(method)
    this.#openPages = (size) => pagesOf(origin, options, (call) => open(call, pageSize(size)), page, names)
  }

  /** Arrays of at most `size` messages. */
  pages(size = DEFAULT_PAGE) {
    return this.#openPages(size)
  }

  next() {
    return this.#iterator().next()
  }

  return(value) {
    return this.#iterator().return(value)
  }

  throw(error) {
    return this.#iterator().throw(error)
  }

  [Symbol.asyncIterator]() {
    return this
  }

  #iterator() {
    this.#rows ??= flatten(this.#openPages())
    return this.#rows
  }
}

/** What `pages` gives: large enough that crossing the border costs next to nothing a message. */
const DEFAULT_PAGE = 100

/** A larger array would hold the event loop for too long at once. */
const MAX_PAGE = 1000

function pageSize(size) {
  if (size === undefined) return undefined
  if (size > MAX_PAGE) return MAX_PAGE
  if (!Number.isInteger(size) || size < 1) throw invalidArgument(`the page size is ${String(size)}`)
  return size
}

function flatten(pages) {
  return leavable(rows(), () => pages.return())

  async function* rows() {
    for await (const page of pages) for (const row of page) yield row
  }
}

module.exports = { MessageStream, pagesOf }
