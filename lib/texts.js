'use strict'

const { promisify } = require('node:util')

const turn = promisify(setImmediate)

/**
 * What came beside the JSON, its texts whole. One of megabytes comes by pieces (`src/long_text.rs`): the event loop turns
 * between two of them.
 */
async function whole(beside) {
  const { texts } = beside
  for (let i = 0; i < (texts?.length ?? 0); i++) {
    if (typeof texts[i] !== 'string') texts[i] = await joined(texts[i])
  }
  return beside
}

async function joined(long) {
  let text = ''
  for (let piece = long.next(); piece !== null; piece = long.next()) {
    text += piece
    await turn()
  }
  return text
}

module.exports = { whole }
