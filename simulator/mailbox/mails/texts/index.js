'use strict'

/**
 * What is written, by language. `{n}` is a number, `{name}` the reader's name.
 *
 * @typedef {object} Texts
 * @property {string[]} subjects
 * @property {string[]} paragraphs
 * @property {string[]} replies short first lines of an answer
 * @property {(name: string) => string} greeting
 * @property {string} closing
 * @property {string} replyPrefix
 * @property {string} forwardPrefix
 * @property {(person: string, date: string) => string} quoteLine
 * @property {{ subject: string, location: string, description: string }} meeting
 * @property {string[]} headlines of newsletters
 * @property {string[]} files names of attachments, without extension
 * @property {string} unsubscribe
 */

/** @type {Record<import('../people.js').Language, Texts>} */
const texts = {
  en: require('./english.js'),
  ja: require('./japanese.js'),
  zh: require('./chinese.js'),
  tw: require('./taiwanese.js'),
  de: require('./german.js'),
}

module.exports = { texts }
