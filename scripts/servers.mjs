// Real servers and a browser for the tests, from Debian's packages.

import { existsSync } from 'node:fs'

import { unpackCyrus } from './cyrus.mjs'
import { read, say, tryRun } from './lib.mjs'

const WANTED = [
  { name: 'Dovecot suites', binary: '/usr/sbin/dovecot', packages: ['dovecot-imapd', 'dovecot-lmtpd'] },
  { name: 'Postfix suites', binary: '/usr/sbin/postfix', packages: ['postfix'] },
  { name: 'browser suites', binary: '/usr/bin/chromium', packages: ['chromium'] },
]

/** Installs what is missing, and gives the suites that have to be skipped, with the reason. */
export function installServers() {
  const absent = () => WANTED.filter(({ binary }) => !existsSync(binary))
  if (absent().length > 0 && canInstall()) {
    const packages = absent().flatMap((wanted) => wanted.packages)
    say(`installing ${packages.join(' ')}`)
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    tryRun('apt-get', ['update', '-qq'], { env })
    tryRun('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...packages], {
      env,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
  }
  const noCyrus = unpackCyrus(canInstall())
  const why = canInstall() ? 'apt-get could not install it' : 'not installed, and installing needs root and apt-get'
  const skipped = absent().map(({ name, packages }) => ({ name, why: `${packages.join(' ')}: ${why}` }))
  if (noCyrus !== null) skipped.push({ name: 'Cyrus suites', why: noCyrus })
  if (!isRoot() && !skipped.some(({ name }) => name === 'Postfix suites')) {
    skipped.push({ name: 'Postfix suites', why: "Postfix's master needs root" })
  }
  return skipped
}

function canInstall() {
  return isRoot() && read('apt-get', ['--version']) !== null
}

function isRoot() {
  return process.getuid?.() === 0
}
