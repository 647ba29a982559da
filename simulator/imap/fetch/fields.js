'use strict'

/*
 * HEADER.FIELDS and HEADER.FIELDS.NOT: whole fields in their order, folding and all, and the empty line.
 */

const EMPTY_LINE = Buffer.from('\r\n')

/**
 * @param {Buffer} raw
 * @param {import('../../mailbox/mime/header.js').Header} header
 * @param {string[]} names lower case
 * @param {boolean} not all but these
 */
function fieldsOf(raw, header, names, not) {
  const chosen = header.fields.filter(({ name }) => names.includes(name) !== not)
  return Buffer.concat([...chosen.map(({ start, end }) => raw.subarray(start, end)), EMPTY_LINE])
}

module.exports = { fieldsOf }
