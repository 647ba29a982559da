'use strict'

const { begun, openCall, withOrigin } = require('./call.js')
const { fromNative } = require('./error.js')
const { leavable } = require('./leave.js')

/**
 * Events of a mailbox, for as long as somebody asks. They come by callback: a native promise would keep the process
 * alive. Those that nobody has asked for yet wait here, one of a kind.
 */
function eventsOf(origin, options, open) {
  const waiting = []
  let wake = null
  let handle = null
  const notify = (json) => {
    if (!waiting.includes(json)) waiting.push(json)
    if (wake !== null) wake()
  }
  const stop = () => {
    handle?.close()
    waiting.length = 0
    notify(END)
  }
  return leavable(events(), stop)

  async function* events() {
    let scope = null
    try {
      scope = openCall(options)
      handle = begun(() => open(scope.call, notify), origin, ['path'])[1].handle
      for (;;) {
        while (waiting.length === 0) await new Promise((resolve) => (wake = resolve))
        const { event, failure } = JSON.parse(waiting.shift())
        if (failure !== undefined) throw fromNative(JSON.stringify(failure), origin)
        if (event === undefined) return
        yield event
      }
    } catch (thrown) {
      throw withOrigin(thrown, origin)
    } finally {
      if (handle !== null) handle.close()
      if (scope !== null) scope.close()
    }
  }
}

/** What native code says when the client was closed. */
const END = '{}'

module.exports = { eventsOf }
