'use strict'

const { splitAuth } = require('./auth.js')
const { run } = require('./call.js')
const { encode, withoutCall } = require('./encode.js')
const { MailError } = require('./error.js')
const native = require('./native.js')
const { providerHandle } = require('./oauth.js')

/** Every step that can run, each by itself; rejects for wrong arguments and an abort, never for what it finds. */
function diagnose(options) {
  return run(
    diagnose,
    options,
    (call) => {
      const { provider, auth: given, ...rest } = withoutCall(options)
      const { auth, source, callback } = splitAuth(given)
      const handle = provider === undefined || provider === null ? null : providerHandle(provider)
      return native.diagnose(call, encode({ ...rest, auth }, 'options').json, handle, source, callback)
    },
    report,
  )
}

function report(found) {
  for (const step of found.steps) if (step.error !== null) step.error = mailError(step.error)
  return found
}

/** As `fromNative` does with a failure of its own. */
function mailError(failure) {
  const { server } = failure
  if (server && server.details) server.details = JSON.parse(server.details)
  return new MailError(failure)
}

module.exports = { diagnose }
