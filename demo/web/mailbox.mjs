// One linked mailbox, as a plugin would hold it. A real one keeps tokens and pending authorizations in its database.

import { createRequire } from 'node:module'

const { ImapClient, microsoft, OAuthClient, replyTo, SmtpClient } = createRequire(import.meta.url)('../../index.js')

const NEWEST = 40

export class Mailbox {
  identity = null
  #world
  #provider = null
  #client = null
  #pending = null
  #auth = null
  #imap = null

  constructor(world) {
    this.#world = world
  }

  configure({ clientId, clientSecret }) {
    const { endpoints, tenant, connect } = this.#world
    this.#provider = microsoft({ clientId, clientSecret, ...(endpoints ? { endpoints } : { tenant }) })
    this.#client = new OAuthClient(this.#provider, connect)
  }

  authorizationUrl() {
    this.#pending = this.#client.authorizationUrl({ redirectUri: this.#world.redirectUri })
    return this.#pending.url
  }

  async redeem(callbackUrl) {
    const { tokens, identity } = await this.#client.redeem(callbackUrl, this.#pending)
    this.#auth = { user: identity.email, accessToken: this.#client.tokenSource({ tokens }) }
    this.#imap = await ImapClient.connect({ ...this.#provider.imap, ...this.#world.connect, auth: this.#auth })
    this.identity = identity
  }

  async newest() {
    const rows = []
    for await (const { uid, flags, message } of this.#imap.fetch(
      'INBOX',
      { newest: NEWEST },
      { flags: true, message: true },
    )) {
      const { from, subject, date, preview, attachments, threadKey } = message
      const files = attachments.filter(({ inline }) => !inline).length
      rows.push({
        uid,
        from: from[0] ?? null,
        subject,
        date,
        preview,
        files,
        threadKey,
        seen: flags.includes('\\Seen'),
      })
    }
    return rows.reverse()
  }

  async open(uid) {
    const query = { message: { sanitizeHtml: { cid: 'data-uri' } } }
    const row = await this.#imap.fetchOne('INBOX', uid, query)
    await this.#imap.addFlags('INBOX', uid, ['\\Seen'])
    const { html: _unsafe, ...safe } = row.message
    return safe
  }

  async reply({ uid, text }) {
    const { message } = await this.#imap.fetchOne('INBOX', uid, { message: { attachments: 'content' } })
    const { email, name } = this.identity
    const reply = replyTo(message, { from: { name, address: email }, self: [email], text })
    const smtp = await SmtpClient.connect({ ...this.#provider.smtp, ...this.#world.connect, auth: this.#auth })
    try {
      const { accepted, response } = await smtp.send(reply)
      return { accepted, response }
    } finally {
      await smtp.close()
    }
  }

  async close() {
    await this.#imap?.logout()
  }
}
