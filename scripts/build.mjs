// Builds the binary for this machine, with the loader and its types: `npm run build:native`, `npm run build:debug`.

import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { profileMark, root, run } from './lib.mjs'

const release = process.argv.includes('--release')
const options = ['build', '--platform', '--js', 'binding.js', '--dts', 'binding.d.ts']

run(process.execPath, [
  join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js'),
  ...options,
  ...(release ? ['--release'] : []),
])

mkdirSync(join(root, 'target'), { recursive: true })
writeFileSync(profileMark, release ? 'release\n' : 'debug\n')
