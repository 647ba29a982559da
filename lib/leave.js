'use strict'

/**
 * An async generator that can be left at any moment. Its own `return` and `throw` wait behind a pending `next`, which may
 * wait for a server: here `stop()` ends that first, so that it settles as done.
 */
function leavable(values, stop) {
  const leave = values.return.bind(values)
  const end = (value) => {
    stop()
    return leave(value)
  }
  const fail = async (error) => {
    await end()
    throw error
  }
  return Object.defineProperties(values, { return: hidden(end), throw: hidden(fail) })
}

function hidden(value) {
  return { value, configurable: true, writable: true }
}

module.exports = { leavable }
