'use strict'

const { compose } = require('../compose.js')
const { headerOf } = require('../letter.js')
const { html, plain } = require('../prose.js')
const { Random } = require('../random.js')

/*
 * Ordinary letters: plain text, or text and HTML.
 */

/** @typedef {import('../letter.js').Letter} Letter */

/** @param {Letter} mail */
function plainNote(mail) {
  const random = new Random(mail.seed)
  return compose(headerOf(mail), textPart(mail, random), `----=_Part_${random.hex(12)}_`)
}

/** @param {Letter} mail */
function richNote(mail) {
  const random = new Random(mail.seed)
  return compose(headerOf(mail), alternative(mail, random), `_000_${random.hex(24)}_`)
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @param {{ image?: string, extra?: string }} [options]
 * @returns {import('../compose.js').MultiPart}
 */
function alternative(mail, random, options) {
  return { multipart: 'alternative', parts: [textPart(mail, random), htmlPart(mail, random, options)] }
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @returns {import('../compose.js').TextPart}
 */
function textPart(mail, random) {
  const { name, encoding } = mail.charset
  const flowed = mail.language === 'en' && random.chance(0.3) ? '; format=flowed' : ''
  return { text: 'plain', content: plain(mail, random), charset: name, encoding, parameters: flowed }
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @param {{ image?: string, extra?: string }} [options]
 * @returns {import('../compose.js').TextPart}
 */
function htmlPart(mail, random, options) {
  const { name, encoding } = mail.charset
  return {
    text: 'html',
    content: html(mail, random, options),
    charset: name,
    encoding: encoding === '8bit' ? 'quoted-printable' : encoding,
  }
}

module.exports = { alternative, htmlPart, plainNote, richNote, textPart }
