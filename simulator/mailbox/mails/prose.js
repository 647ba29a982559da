'use strict'

const { texts } = require('./texts/index.js')

/*
 * The words of a mail, as text and as HTML.
 */

/** @typedef {import('./letter.js').Letter} Letter */
/** @typedef {import('./random.js').Random} Random */

/**
 * @param {Letter} mail
 * @param {Random} random
 * @param {{ paragraphs?: number }} [options]
 * @returns {string[]} paragraphs, greeting and signature included
 */
function prose(mail, random, { paragraphs } = {}) {
  const { greeting, closing, replies } = texts[mail.language]
  const wanted = paragraphs ?? random.integer(2, 5)
  const first = mail.answers === null ? [] : [random.pick(replies)]
  const body = random.sample(texts[mail.language].paragraphs, mail.answers === null ? wanted : Math.min(wanted, 2))
  const filled = body.map((text) => text.replace(/\{n\}/g, String(random.integer(3, 98))))
  return [greeting(firstName(mail.to[0].name, mail.language)), ...first, ...filled, closing, signature(mail)]
}

/**
 * @param {Letter} mail
 * @param {Random} random
 */
function plain(mail, random) {
  const paragraphs = prose(mail, random).map(wrapped)
  return [...paragraphs, ...quoted(mail, random)].join('\n\n')
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @param {{ image?: string, extra?: string }} [options] `image`: a cid to show
 */
function html(mail, random, { image, extra = '' } = {}) {
  const paragraphs = prose(mail, random).map(
    (text) => `<p class="MsoNormal">${escape(text).replace(/\n/g, '<br>\n')}<o:p></o:p></p>`,
  )
  const picture =
    image === undefined ? '' : `<p><img src="cid:${image}" width="240" alt="" style="display:block"></p>\n`
  const earlier = quoted(mail, random).map(
    (text) =>
      `<blockquote style="border-left:2px solid #ccc;padding-left:8px"><p>${escape(text).replace(/\n/g, '<br>\n')}</p></blockquote>`,
  )
  return `<html xmlns:o="urn:schemas-microsoft-com:office:office">
<head>
<meta http-equiv="Content-Type" content="text/html; charset=${mail.charset.name}">
<style><!--
p.MsoNormal { margin: 0 0 8pt 0; font-size: 11.0pt; font-family: "Calibri", sans-serif; }
a:link { color: #0563C1; text-decoration: underline; }
--></style>
</head>
<body lang="${mail.language}" link="#0563C1" vlink="#954F72">
<div class="WordSection1">
${paragraphs.join('\n')}
${picture}${extra}${earlier.join('\n')}
</div>
</body>
</html>`
}

/**
 * What is answered, quoted as mailers do.
 *
 * @param {Letter} mail
 * @param {Random} random
 */
function quoted(mail, random) {
  const original = mail.answers
  if (original === null) return []
  const day = original.date.toISOString().slice(0, 16).replace('T', ' ')
  const lines = random
    .sample(texts[mail.language].paragraphs, 1)
    .flatMap((text) => wrapped(text.replace('{n}', '7')).split('\n'))
  return [texts[mail.language].quoteLine(original.from.name, day), lines.map((line) => `> ${line}`).join('\n')]
}

/** @param {Letter} mail */
function signature({ from, language }) {
  const phone =
    language === 'ja' ? 'TEL: 03-0000-0000' : language === 'de' ? 'Tel. +49 30 0000000' : 'Phone +1 202 555 0100'
  return `-- \n${from.name}\n${from.title}\n${from.company}\n${phone}`
}

/**
 * @param {string} name
 * @param {string} language
 */
function firstName(name, language) {
  if (language === 'ja' || language === 'en') return name.split(' ')[0]
  return name
}

/**
 * Lines of about 72 columns; CJK breaks anywhere and counts double.
 *
 * @param {string} text
 */
function wrapped(text) {
  if (/[\u3000-\u9fff]/.test(text)) return text.replace(/(.{34})(?=.{3})/g, '$1\n')
  return (
    text
      .split('\n')
      // The space of "-- " is what marks a signature (RFC 3676 §4.3).
      .map((line) => (line === '-- ' ? line : line.replace(/(.{1,72})(?: |$)/g, '$1\n').trimEnd()))
      .join('\n')
  )
}

/** @param {string} text */
function escape(text) {
  return text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')
}

module.exports = { escape, html, plain }
