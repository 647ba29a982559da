'use strict'

const { compose } = require('../compose.js')
const { headerOf } = require('../letter.js')
const { escape } = require('../prose.js')
const { Random } = require('../random.js')
const { texts } = require('../texts/index.js')

/*
 * A newsletter: tables within tables, remote images, a tracking pixel, List-Unsubscribe; HTML only, as many are.
 */

/** @param {import('../letter.js').Letter} mail */
function newsletter(mail) {
  const random = new Random(mail.seed)
  const { headlines, paragraphs, unsubscribe } = texts[mail.language]
  const site = `https://news.${mail.from.address.split('@')[1]}`
  const articles = Array.from({ length: random.integer(6, 18) }, (_, index) => {
    const link = `${site}/c/${random.hex(16)}?utm_source=letter&amp;utm_medium=email&amp;utm_campaign=${index}`
    const text = random.pick(paragraphs).replace('{n}', String(random.integer(2, 60)))
    return article(random.pick(headlines), text, link, `${site}/img/${random.hex(8)}.jpg`)
  })
  const content = page(mail, articles, `${site}/u/${random.hex(24)}`, unsubscribe, `${site}/o/${random.hex(32)}.gif`)
  const header = [
    ...headerOf(mail),
    `List-Unsubscribe: <${site}/u/${random.hex(24)}>, <mailto:unsubscribe@${mail.from.address.split('@')[1]}>`,
    'List-Unsubscribe-Post: List-Unsubscribe=One-Click',
    'Precedence: bulk',
  ]
  const encoding = mail.charset.name === 'utf-8' || mail.charset.name === 'us-ascii' ? 'quoted-printable' : 'base64'
  return compose(header, { text: 'html', content, charset: mail.charset.name, encoding }, '')
}

/**
 * @param {import('../letter.js').Letter} mail
 * @param {string[]} articles
 * @param {string} leave
 * @param {string} unsubscribe
 * @param {string} pixel
 */
function page(mail, articles, leave, unsubscribe, pixel) {
  return `<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.0 Transitional//EN" "http://www.w3.org/TR/xhtml1/DTD/xhtml1-transitional.dtd">
<html xmlns="http://www.w3.org/1999/xhtml" lang="${mail.language}">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=${mail.charset.name}" />
<title>${escape(mail.subject)}</title>
<style type="text/css">
@media only screen and (max-width: 600px) { .column { width: 100% !important; display: block !important; } }
body { margin: 0; padding: 0; background-color: #f4f4f4; }
</style>
</head>
<body>
<table width="100%" cellpadding="0" cellspacing="0" border="0"><tr><td align="center">
<table class="column" width="600" cellpadding="0" cellspacing="0" border="0" style="background-color:#ffffff">
${articles.join('\n')}
<tr><td style="font:11px Arial,sans-serif;color:#888;padding:16px">${escape(mail.from.company)} &middot; <a href="${leave}">${escape(unsubscribe)}</a></td></tr>
</table></td></tr></table>
<img src="${pixel}" width="1" height="1" alt="" />
</body>
</html>`
}

/**
 * @param {string} headline
 * @param {string} text
 * @param {string} link
 * @param {string} image
 */
function article(headline, text, link, image) {
  return `<tr><td style="padding:24px 32px 8px 32px" valign="top">
<table width="100%" cellpadding="0" cellspacing="0" border="0" role="presentation"><tr>
<td width="160" style="padding-right:16px"><a href="${link}" target="_blank"><img src="${image}" width="160" height="120" alt="" border="0" style="display:block;border-radius:4px" /></a></td>
<td valign="top" style="font-family:Helvetica,Arial,sans-serif;font-size:14px;line-height:20px;color:#333333">
<h2 style="margin:0 0 8px 0;font-size:18px;line-height:22px;color:#111111"><a href="${link}" target="_blank" style="color:#111111;text-decoration:none">${escape(headline)}</a></h2>
<p style="margin:0 0 12px 0">${escape(text)}</p>
<table cellpadding="0" cellspacing="0" border="0"><tr><td bgcolor="#0b5fff" style="border-radius:3px;padding:8px 18px"><a href="${link}" style="font-size:13px;color:#ffffff;text-decoration:none">&raquo;</a></td></tr></table>
</td></tr></table></td></tr>`
}

module.exports = { newsletter }
