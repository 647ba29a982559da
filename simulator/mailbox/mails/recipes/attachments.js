'use strict'

const { compose } = require('../compose.js')
const { files } = require('../files.js')
const { headerOf } = require('../letter.js')
const { Random } = require('../random.js')
const { texts } = require('../texts/index.js')
const { alternative, htmlPart, plainNote, textPart } = require('./notes.js')

/*
 * Letters with files: attached, shown inside the text, or a whole mail forwarded as an attachment.
 */

/** @typedef {import('../letter.js').Letter} Letter */

/** @param {Letter} mail */
function withFiles(mail) {
  const random = new Random(mail.seed)
  const body = random.chance(0.5) ? alternative(mail, random) : textPart(mail, random)
  const count = random.pick([1, 1, 1, 2, 2, 3])
  const attached = Array.from({ length: count }, () => anyFile(mail, random))
  return compose(headerOf(mail), { multipart: 'mixed', parts: [body, ...attached] }, `_004_${random.hex(24)}_`)
}

/**
 * `multipart/mixed(related(alternative, images), file)`, the deepest thing Outlook usually makes.
 *
 * @param {Letter} mail
 */
function withInlineImages(mail) {
  const random = new Random(mail.seed)
  const cid = `image001.png@01DC${random.hex(4).toUpperCase()}.${random.hex(8).toUpperCase()}`
  const image = imagePart(mail, random, cid, 'image001.png')
  const plainText = random.chance(0.7)
  const body = plainText ? alternative(mail, random, { image: cid }) : htmlPart(mail, random, { image: cid })
  const type = plainText ? 'multipart/alternative' : 'text/html'
  /** @type {import('../compose.js').MultiPart} */
  const related = { multipart: 'related', parameters: `; type="${type}"`, parts: [body, image] }
  const outer = random.chance(0.4) ? { multipart: 'mixed', parts: [related, anyFile(mail, random)] } : related
  return compose(headerOf(mail), outer, `_007_${random.hex(24)}_`)
}

/**
 * @param {Letter} mail
 * @param {Letter} original
 */
function forwarding(mail, original) {
  const random = new Random(mail.seed)
  const inner = random.chance(0.5) ? withFiles(original) : plainNote(original)
  /** @type {import('../compose.js').RawPart} */
  const attached = {
    header: [
      'Content-Type: message/rfc822',
      'Content-Disposition: attachment',
      'Content-Description: forwarded message',
    ],
    body: inner,
  }
  return compose(
    headerOf(mail),
    { multipart: 'mixed', parts: [textPart(mail, random), attached] },
    `------------${random.hex(24)}`,
  )
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @returns {import('../compose.js').FilePart}
 */
function anyFile(mail, random) {
  const file = random.pick(files()[random.pick(/** @type {const} */ (['pdf', 'pdf', 'xlsx', 'png', 'zip']))])
  const name = `${random.pick(texts[mail.language].files)}.${file.extension}`
  return { file, name, charset: mail.charset.name, style: random.pick(['rfc2231', 'word', 'continued']) }
}

/**
 * @param {Letter} mail
 * @param {Random} random
 * @param {string} cid
 * @param {string} name
 * @returns {import('../compose.js').FilePart}
 */
function imagePart(mail, random, cid, name) {
  return { file: random.pick(files().png), name, charset: mail.charset.name, style: 'rfc2231', cid }
}

module.exports = { forwarding, withFiles, withInlineImages }
