'use strict'

const standard = require('./default.js')
const exchange = require('./exchange.js')
const exmail = require('./exmail.js')
const gmail = require('./gmail.js')
const netease = require('./netease.js')
const rev2 = require('./rev2.js')

/** @type {Record<string, import('./default.js').Personality>} */
const personalities = { default: standard, exchange, gmail, 163: netease, netease, exmail, rev2 }

/**
 * @param {string | import('./default.js').Personality} wanted
 * @returns {import('./default.js').Personality}
 */
function personalityOf(wanted) {
  const found = typeof wanted === 'string' ? personalities[wanted] : wanted
  if (found === undefined) throw new TypeError(`Unknown personality ${wanted}`)
  return found
}

module.exports = { personalities, personalityOf }
