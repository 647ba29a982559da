'use strict'

const { createClientCertificate } = require('./tls/client-certificate')
const { startMailWorld } = require('./world')

module.exports = { createClientCertificate, startMailWorld }
