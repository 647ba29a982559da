'use strict'

const { encodeText } = require('../mime/charset.js')
const { base64, fileParameter, headerText, holds, quotedPrintable } = require('./encode.js')

/*
 * A message's bytes from its header fields and a tree of parts.
 */

/**
 * @typedef {object} TextPart
 * @property {'plain' | 'html' | 'calendar'} text subtype
 * @property {string} content with LF line ends
 * @property {string} charset
 * @property {'7bit' | '8bit' | 'base64' | 'quoted-printable'} encoding
 * @property {string} [parameters] more of the Content-Type, e.g. `; format=flowed`
 */

/**
 * @typedef {object} FilePart
 * @property {import('./files.js').File} file
 * @property {string} name
 * @property {string} charset of the name
 * @property {'rfc2231' | 'continued' | 'word'} style of the name
 * @property {string} [cid] makes it inline
 */

/** @typedef {{ multipart: string, parameters?: string, parts: Part[] }} MultiPart */

/** Ready-made: header lines, without the empty one, and the body. @typedef {{ header: string[], body: Buffer }} RawPart */

/** @typedef {TextPart | FilePart | MultiPart | RawPart} Part */

const CRLF = '\r\n'

/**
 * @param {string[]} header lines without CRLF; folded ones hold CRLF inside
 * @param {Part} part
 * @param {string} boundary what boundaries are made of
 * @returns {Buffer}
 */
function compose(header, part, boundary) {
  const { header: own, body } = render(part, boundary)
  const lines = [...header, 'MIME-Version: 1.0', ...own]
  return Buffer.concat([ascii(lines.join(CRLF) + CRLF + CRLF), ...body])
}

/**
 * @param {Part} part
 * @param {string} boundary
 * @returns {{ header: string[], body: Buffer[] }} a body that ends with a line break
 */
function render(part, boundary) {
  if ('multipart' in part) return renderMultipart(part, boundary)
  if ('file' in part) return renderFile(part)
  if ('text' in part) return renderText(part)
  return { header: part.header, body: [part.body] }
}

/**
 * @param {MultiPart} part
 * @param {string} boundary
 */
function renderMultipart({ multipart, parameters = '', parts }, boundary) {
  const body = parts.flatMap((each, index) => {
    const { header, body } = render(each, `${boundary}${index}`)
    // The line break before a delimiter is the delimiter's, so the part keeps its own.
    return [ascii(`${CRLF}--${boundary}${CRLF}${header.join(CRLF)}${CRLF}${CRLF}`), ...body]
  })
  const header = [`Content-Type: multipart/${multipart}${parameters};${CRLF}\tboundary="${boundary}"`]
  return { header, body: [...body, ascii(`${CRLF}--${boundary}--${CRLF}`)] }
}

/** @param {FilePart} part */
function renderFile({ file, name, charset, style, cid }) {
  const options = { charset, style }
  const inline = cid === undefined ? [] : [`Content-ID: <${cid}>`]
  const disposition = [cid === undefined ? 'attachment' : 'inline', ...fileParameter('filename', name, options)]
  const type = [file.type, ...fileParameter('name', name, { ...options, style: 'word' })]
  const header = [
    `Content-Type: ${type.join(`;${CRLF}\t`)}`,
    ...inline,
    `Content-Disposition: ${[...disposition, `size=${file.bytes.length}`].join(`;${CRLF}\t`)}`,
    'Content-Transfer-Encoding: base64',
  ]
  return { header, body: [file.encoded] }
}

/** @param {TextPart} part */
function renderText({ text, content, charset: wanted, encoding: usual, parameters = '' }) {
  const fits = holds(wanted, content)
  const charset = fits ? wanted : 'utf-8'
  const encoding = fits ? usual : 'base64'
  const bytes = encodeText(`${content.trimEnd()}\n`.replace(/\n/g, CRLF), charset)
  const body = encoding === 'base64' ? base64(bytes) : encoding === 'quoted-printable' ? quotedPrintable(bytes) : bytes
  const header = [
    `Content-Type: text/${text}; charset="${charset}"${parameters}`,
    `Content-Transfer-Encoding: ${encoding}`,
  ]
  return { header, body: [body] }
}

/**
 * A folded, encoded `Subject:` or the like.
 *
 * @param {string} name
 * @param {string} value
 * @param {string} charset
 */
function textField(name, value, charset) {
  return `${name}: ${headerText(value, charset)}`
}

/** @param {string} text */
function ascii(text) {
  return Buffer.from(text, 'latin1')
}

module.exports = { compose, textField }
