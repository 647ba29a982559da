// Writes what is derived from the error table in crates/base: the codes in index.d.ts and the table in README.md.
// CI runs it and fails when the tree changes.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { read, root } from './lib.mjs'

const output = read('cargo', ['run', '--quiet', '--locked', '-p', 'email-base', '--example', 'error-table'])
if (output === null) throw new Error('the error table could not be printed')
const rows = output
  .trim()
  .split('\n')
  .map((line) => line.split('\t'))

replace(
  'index.d.ts',
  /( *\/\/ generated: error codes\n)[^]*?( *\/\/ end of generated)/,
  rows.map(([code]) => `  | '${code}'\n`).join(''),
)
replace(
  'README.md',
  /(<!-- generated: error table -->\n)[^]*?(<!-- end of generated -->)/,
  [
    '| code | category | action | retryable | meaning | what to do |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ([code, ...cells]) => `| \`${code}\` | ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`,
    ),
    '',
  ].join('\n'),
)

function replace(name, place, text) {
  const path = join(root, name)
  const before = readFileSync(path, 'utf8')
  if (!place.test(before)) throw new Error(`${name} has no generated block`)
  writeFileSync(
    path,
    before.replace(place, (_whole, start, end) => start + text + end),
  )
}
