'use strict'

const { fieldValues } = require('../../mailbox/mime/header.js')
const { decodeWords } = require('../../mailbox/mime/words.js')
const { labelsOf } = require('../../mailbox/labels.js')
const { wholeText } = require('./text.js')

/*
 * X-GM-RAW: the everyday part of Gmail's search language. Words and "phrases" in header or body; `from:` `to:` `cc:`
 * `subject:` `label:` `in:` `is:` `has:attachment` `rfc822msgid:` `larger:` `smaller:` `newer_than:` `older_than:`; a `-`
 * in front turns a term round. Unknown operators are words.
 */

/** @typedef {import('../../mailbox/mailbox.js').Message} Message */
/** @typedef {(message: Message) => boolean} Test */

const SPANS = /** @type {Record<string, number>} */ ({ d: 1, m: 30, y: 365 })

/**
 * @param {string} query lower case
 * @param {import('./keys.js').Context} context
 * @returns {Test}
 */
function gmailQuery(query, context) {
  const terms = [...query.matchAll(/(-?)(?:([a-z_0-9]+):)?(?:"([^"]*)"|(\S+))/g)]
  const tests = terms.map(([, minus, operator, phrase, word]) => {
    const test = term(operator ?? '', phrase ?? word, context)
    return minus === '' ? test : (/** @type {Message} */ message) => !test(message)
  })
  return (message) => tests.every((test) => test(message))
}

/**
 * @param {string} operator
 * @param {string} value
 * @param {import('./keys.js').Context} context
 * @returns {Test}
 */
function term(operator, value, { view, now }) {
  switch (operator) {
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
    case 'subject':
      return (message) => inHeader(message, operator, value)
    case 'rfc822msgid':
      return (message) => inHeader(message, 'message-id', value)
    case 'label':
    case 'in':
      return (message) => hasLabel(view, message, value)
    case 'is':
      return flagTest(value)
    case 'has':
      return ({ content }) =>
        value === 'attachment' && /content-disposition: *attachment/i.test(content.raw.toString('latin1'))
    case 'larger':
      return ({ content }) => content.size > octets(value)
    case 'smaller':
      return ({ content }) => content.size < octets(value)
    case 'newer_than':
      return ({ content }) => now - content.internalDate.getTime() < span(value)
    case 'older_than':
      return ({ content }) => now - content.internalDate.getTime() >= span(value)
    default: {
      const needle = operator === '' ? value : `${operator}:${value}`
      return ({ content }) => wholeText(content).includes(needle)
    }
  }
}

/**
 * @param {Message} message
 * @param {string} name
 * @param {string} value
 */
function inHeader({ content }, name, value) {
  return fieldValues(content.raw, content.structure.header, name).some((each) =>
    decodeWords(each).toLowerCase().includes(value),
  )
}

/**
 * @param {import('../view.js').View} view
 * @param {Message} message
 * @param {string} value
 */
function hasLabel(view, message, value) {
  const own = view.mailbox.path.toLowerCase()
  const labels = labelsOf(view.account, view.mailbox, message).map((label) => label.toLowerCase().replace(/^\\/, ''))
  return own === value || labels.includes(value)
}

/**
 * @param {string} value
 * @returns {Test}
 */
function flagTest(value) {
  switch (value) {
    case 'read':
      return ({ flags }) => flags.has('\\Seen')
    case 'unread':
      return ({ flags }) => !flags.has('\\Seen')
    case 'starred':
      return ({ flags }) => flags.has('\\Flagged')
    default:
      return () => false
  }
}

/** @param {string} value `5m`, `100k`, `12345` */
function octets(value) {
  const unit = value.endsWith('m') ? 1024 * 1024 : value.endsWith('k') ? 1024 : 1
  return parseInt(value, 10) * unit
}

/** @param {string} value `2d`, `3m`, `1y` */
function span(value) {
  return parseInt(value, 10) * (SPANS[value.slice(-1)] ?? 1) * 86_400_000
}

module.exports = { gmailQuery }
