'use strict'

const { captureOrigin, invalidArgument } = require('./error.js')
const native = require('./native.js')

function setLogger(logger) {
  if (logger !== null && typeof logger !== 'function') {
    throw invalidArgument('logger is neither a function nor null', captureOrigin(setLogger))
  }
  native.setLogger(logger === null ? null : (json) => deliver(logger, json))
}

/** A logger that throws must not take the process down with it. */
function deliver(logger, json) {
  try {
    logger(JSON.parse(json))
  } catch {
    // Nobody is left to tell.
  }
}

module.exports = { setLogger }
