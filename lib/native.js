'use strict'

/**
 * Loads the binary for this platform. The administrator of a host sees only `message`, so everything that tells which
 * package is missing stands in it.
 */
function load() {
  try {
    return require('../binding.js')
  } catch (cause) {
    const target = targetName()
    const reasons = reasonsOf(cause)
    throw new Error(
      `@nocobase/email-native: no native binary could be loaded for ${target} (Node ${process.version}). ` +
        `Wanted: the package @nocobase/email-native-${target}, or email-native.${target}.node beside index.js. ` +
        'Install with optional dependencies on, on the platform it will run on, or add that package to the archive. ' +
        `Reasons: ${reasons}`,
      { cause },
    )
  }
}

/** As the platform packages are named: `linux-x64-gnu`, `darwin-arm64`, `win32-x64-msvc`. */
function targetName() {
  const { platform, arch } = process
  if (platform === 'win32') return `win32-${arch}-msvc`
  if (platform !== 'linux') return `${platform}-${arch}`
  return `linux-${arch}-${isMusl() ? 'musl' : 'gnu'}`
}

function isMusl() {
  const report = process.report && process.report.getReport()
  return !(report && report.header && report.header.glibcVersionRuntime)
}

/** One line for each file or package that was tried; a missing file says so, a broken one says what the linker said. */
function reasonsOf(cause) {
  const reasons = []
  for (let error = cause; error instanceof Error && reasons.length < 10; error = error.cause) {
    reasons.push(error.message.split('\n')[0])
  }
  return reasons.join(' | ')
}

module.exports = load()
