// `npm run prebuild`: the binary that is published for glibc: runs from glibc 2.17 (CentOS 7, Debian 8) on.
//
//   npm run prebuild [-- --target x86_64-unknown-linux-gnu.2.17]
//
// Uses cargo-zigbuild and the ziglang package of Python, in a private folder under target/; nothing is installed globally.

import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { root, run, say } from './lib.mjs'

const target = process.argv[process.argv.indexOf('--target') + 1]
const wanted = process.argv.includes('--target') ? target : `${hostArch()}-unknown-linux-gnu.2.17`
const tools = join(root, 'target', 'zig')
const python = join(tools, 'venv', 'bin', 'python3')

installTools()
const triple = wanted.replace(/\.\d+\.\d+$/, '')
say(`building for ${wanted}`)
run('cargo', ['zigbuild', '--release', '--locked', '--lib', '--target', wanted], { env: environment() })
const library = join(root, 'target', triple, 'release', 'libemail_native.so')
const binary = join(root, `email-native.${napiName(triple)}.node`)
copyFileSync(library, binary)
const floor = glibcFloor(binary)
console.log(`${binary}: needs glibc ${floor ?? '(none)'}`)
const limit = /\.(\d+\.\d+)$/.exec(wanted)?.[1]
if (limit && floor && compare(floor, limit) > 0) {
  console.error(`✗ needs glibc ${floor}, more than ${limit}`)
  process.exit(1)
}

function installTools() {
  if (!existsSync(python)) {
    say('installing zig')
    run('python3', ['-m', 'venv', join(tools, 'venv')])
    run(python, ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', 'ziglang'])
  }
  if (!existsSync(join(tools, 'bin', 'cargo-zigbuild'))) {
    say('installing cargo-zigbuild')
    run('cargo', ['install', '--quiet', '--locked', '--root', tools, 'cargo-zigbuild'])
  }
}

function environment() {
  const PATH = `${join(tools, 'venv', 'bin')}:${join(tools, 'bin')}:${process.env.PATH}`
  return { ...process.env, PATH, CARGO_ZIGBUILD_PYTHON_PATH: python }
}

/** The newest `GLIBC_x.y` among the symbol versions that the binary asks for. */
function glibcFloor(path) {
  const versions = readFileSync(path, 'latin1').matchAll(/GLIBC_(\d+\.\d+)/g)
  return [...new Set([...versions].map(([, version]) => version))].sort(compare).at(-1)
}

function compare(a, b) {
  const [x, y] = [a, b].map((version) => version.split('.').map(Number))
  return x[0] - y[0] || x[1] - y[1]
}

function hostArch() {
  return { x64: 'x86_64', arm64: 'aarch64' }[process.arch]
}

/** As napi names binaries: `linux-x64-gnu`. */
function napiName(rust) {
  const [arch, , , libc] = rust.split('-')
  return `linux-${{ x86_64: 'x64', aarch64: 'arm64' }[arch]}-${libc}`
}
