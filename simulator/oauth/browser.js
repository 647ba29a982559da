'use strict'

const { URLSearchParams } = require('node:url')

const { request } = require('../net/request')

/** More pages than any sign-in here has: a loop. */
const MAX_STEPS = 12

/**
 * A person with a browser, as far as the pages of this world need one: follows redirects, keeps cookies, fills in and submits forms.
 */
class Browser {
  /** @param {{ ca: string, origin: string }} options */
  constructor({ ca, origin }) {
    this.ca = ca
    this.origin = origin
    this.cookies = new Map()
  }

  /**
   * Follows a sign-in to its end.
   *
   * @param {string} url
   * @param {{ user: string, password: string }} account
   * @param {{ decline?: 'login' | 'mfa' | 'consent' | boolean, values?: Record<string, string> }} [options] `decline` presses Cancel on
   *   that page (`true`: the consent page); `values` for further fields
   * @returns {Promise<{ url: string } | { message: string }>} where the app is called back, or the last page's message
   */
  async follow(url, account, { decline = false, values = {} } = {}) {
    const declined = decline === true ? 'consent' : decline
    let reply = await this.#fetch(url)
    for (let steps = 0; steps < MAX_STEPS; steps += 1) {
      const { location } = reply.headers
      if (location) {
        const next = new URL(location, this.origin)
        if (next.origin !== this.origin) return { url: location }
        reply = await this.#fetch(next.href)
        continue
      }
      const form = parseForm(reply.text)
      if (!form) return this.#end(reply)
      const filled = fillIn(form, account, values)
      // `response_mode=form_post`: the last form goes to the app.
      const target = new URL(form.action, this.origin)
      if (target.origin !== this.origin) return { url: `${target.href}?${new URLSearchParams(filled)}` }
      const refused = /role="alert">([^<]*)/.exec(reply.text)
      if (refused) throw new Error(`The sign-in page says: ${unescape(refused[1])}`)
      const cancel = declined === form.inputs.get('step') || !form.canContinue
      reply = await this.#fetch(target.href, { ...filled, decision: cancel ? 'cancel' : 'continue' })
    }
    throw new Error('The sign-in did not come to an end')
  }

  #end(reply) {
    const message = unescape(/id="message">([^<]*)/.exec(reply.text)?.[1] ?? reply.text.slice(0, 300))
    if (reply.status >= 400) throw new Error(message)
    return { message }
  }

  async #fetch(url, form) {
    const cookie = [...this.cookies].map((pair) => pair.join('=')).join('; ')
    const reply = await request(url, { ca: this.ca, form, headers: cookie ? { cookie } : {} })
    for (const line of reply.headers['set-cookie'] ?? []) {
      const [pair] = line.split(';')
      this.cookies.set(pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1))
    }
    return reply
  }
}

/** The last form of a page: the account picker comes before the sign-in form. */
function parseForm(html) {
  const form = [...html.matchAll(/<form[^>]*action="([^"]*)"[^>]*>(.*?)<\/form>/gs)].at(-1)
  if (!form) return null
  const [, action, content] = form
  const inputs = new Map()
  for (const [tag] of content.matchAll(/<input[^>]*>/g)) {
    const attribute = (name) => unescape(new RegExp(`\\b${name}="([^"]*)"`).exec(tag)?.[1] ?? '')
    inputs.set(attribute('name'), attribute('value'))
  }
  return { action: unescape(action), inputs, canContinue: content.includes('value="continue"') }
}

function fillIn({ inputs }, { user, password }, values) {
  const known = { username: user, password, ...values }
  return Object.fromEntries([...inputs].map(([name, value]) => [name, known[name] ?? value]))
}

function unescape(text) {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
}

module.exports = { Browser }
