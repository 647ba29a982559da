'use strict'

const { messagePage } = require('../pages')
const { sendHtml, sendJson } = require('../respond')

/** Google's errors: a word, a short sentence, no numbers. */
class GoogleError extends Error {
  /** @param {string} error @param {string} description @param {number} [status] */
  constructor(error, description, status = 400) {
    super(`${error}: ${description}`)
    this.name = 'GoogleError'
    this.error = error
    this.description = description
    this.status = status
  }

  /** @param {import('node:http').ServerResponse} response @param {'json' | 'page' | 'google'} as */
  send(response, as) {
    if (as === 'page') {
      const title = `Error ${this.status}: ${this.error}`
      return sendHtml(response, this.status, messagePage('google', title, `Access blocked: ${this.description}`))
    }
    sendJson(response, this.status, { error: this.error, error_description: this.description })
  }
}

module.exports = { GoogleError }
