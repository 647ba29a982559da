'use strict'

const { startMailWorld } = require('./world')

module.exports = { startMailWorld }
