// What every script here needs: the root, a loud `run`, and a set-up that works on a fresh clone.
// Only Node's own modules: the dependencies may not be installed yet.

import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = dirname(dirname(fileURLToPath(import.meta.url)))
export const require = createRequire(join(root, 'package.json'))

/** Runs a command with the terminal's output; ends the script with its exit code when it fails. */
export function run(command, args, options = {}) {
  const code = tryRun(command, args, options)
  if (code !== 0) {
    console.error(`\n✗ ${[command, ...args].join(' ')} ended with code ${code}`)
    process.exit(code)
  }
}

/** The same, but tells the exit code. */
export function tryRun(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    ...options,
  })
  if (error) console.error(`✗ ${command}: ${error.message}`)
  return status ?? 1
}

/** Runs a command and gives its standard output, or null when it fails. */
export function read(command, args) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: 'utf8' })
  return status === 0 ? stdout : null
}

export function say(text) {
  console.log(`\n▸ ${text}`)
}

/** npm packages as the lock file says; a second run costs nothing. */
export function installPackages() {
  const lock = join(root, 'package-lock.json')
  const mark = join(root, 'node_modules', '.package-lock.json')
  if (existsSync(mark) && statSync(mark).mtimeMs >= statSync(lock).mtimeMs) return
  say('installing npm packages')
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'])
}

/** The native binary, newer than every source it is made from. */
export function buildNative({ release }) {
  if (isFresh(release)) return
  say(`building the native addon (${release ? 'release: a few minutes the first time' : 'debug'})`)
  run(process.execPath, [join(root, 'scripts', 'build.mjs'), ...(release ? ['--release'] : [])])
}

/** Which profile the binary at the root was built with, beside it. */
export const profileMark = join(root, 'target', 'binding-profile')

function isFresh(release) {
  const binary = readdirSync(root).find((name) => /^email-native\..*\.node$/.test(name))
  if (binary === undefined || !existsSync(profileMark)) return false
  const built = statSync(join(root, binary)).mtimeMs
  const profile = readText(profileMark)
  if (release && profile !== 'release') return false
  return newest(['Cargo.toml', 'Cargo.lock', 'build.rs', 'src', 'crates']) <= built
}

function newest(paths) {
  let latest = 0
  const open = paths.map((path) => join(root, path))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (!existsSync(path)) continue
    const stat = statSync(path)
    if (stat.isDirectory()) open.push(...readdirSync(path).map((name) => join(path, name)))
    else if (/\.(rs|toml|lock|tsv|json|txt)$/.test(path)) latest = Math.max(latest, stat.mtimeMs)
  }
  return latest
}

function readText(path) {
  return require('node:fs').readFileSync(path, 'utf8').trim()
}
