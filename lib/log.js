'use strict'

const { captureOrigin, invalidArgument } = require('./error.js')
const native = require('./native.js')

function setLogger(logger) {
  if (logger !== null && typeof logger !== 'function') {
    throw invalidArgument('logger is neither a function nor null', captureOrigin(setLogger))
  }
  native.setLogger(logger === null ? null : (json) => void deliver(logger, json))
}

/** A logger that fails, at once or later, must not take the process down with it: nobody is left to tell. */
async function deliver(logger, json) {
  try {
    await logger(JSON.parse(json))
  } catch {
    // Thrown, rejected, or a `then` that cannot be had.
  }
}

module.exports = { setLogger }
