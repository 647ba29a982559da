// Cyrus IMAP for the tests, from Debian's packages: unpacked, because installed it would drive Dovecot out.

import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { programs, unpacked, whyNoCyrus } from '../__test__/servers/cyrus.mjs'
import { read, say, tryRun } from './lib.mjs'

const PACKAGES = ['cyrus-common', 'cyrus-imapd']
/** Makes the file of passwords. */
const TOOLS = ['sasl2-bin']
/** What reads that file is loaded by name. */
const PLUGINS = ['libsasl2-modules', 'libsasl2-modules-db']
/** For programs that the tests do not run. */
const UNUSED = ['libclamav', 'libzephyr']

/** Puts its programs into `unpacked`, unless they are there; gives why it cannot run here, or null. */
export function unpackCyrus(canInstall) {
  const why = whyNoCyrus()
  if (why === null) return null
  if (!canInstall) return `${why}, and unpacking it needs root and apt-get`
  say(`unpacking ${PACKAGES.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const quietly = { env, stdio: ['ignore', 'ignore', 'inherit'] }
  tryRun('apt-get', ['update', '-qq'], quietly)
  tryRun('apt-get', ['install', '-y', '-qq', '--no-install-recommends', '--no-upgrade', ...libraries()], quietly)
  const folder = mkdtempSync(join(tmpdir(), 'cyrus-'))
  tryRun('apt-get', ['download', '-qq', '-o', 'APT::Sandbox::User=root', ...PACKAGES, ...TOOLS], {
    ...quietly,
    cwd: folder,
  })
  for (const name of readdirSync(folder)) tryRun('dpkg', ['-x', name, '.'], { cwd: folder })
  collect(folder)
  rmSync(folder, { recursive: true, force: true })
  return whyNoCyrus()
}

/** The shared libraries by the names that this release of Debian or Ubuntu gives them. */
function libraries() {
  const all = read('apt-cache', ['depends', ...PACKAGES]) ?? ''
  const names = [...all.matchAll(/^ *\|?Depends: (lib\S+)$/gm)].map(([, name]) => name)
  return [...new Set([...names, ...PLUGINS])].filter((name) => !UNUSED.some((unused) => name.startsWith(unused)))
}

/** Programs and libraries into one folder, which needs no other. */
function collect(folder) {
  mkdirSync(unpacked, { recursive: true })
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  for (const name of files) {
    const base = name.slice(name.lastIndexOf('/') + 1)
    const wanted = /^libcyrus\w*\.so\.\d+$/.test(base) || (programs.includes(base) && !name.includes('/share/'))
    if (wanted && existsSync(join(folder, name))) copyFileSync(join(folder, name), join(unpacked, base))
  }
}
