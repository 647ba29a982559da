// `npm run fuzz -- TARGET SECONDS`: hostile input for one parser, on stable Rust. Installs cargo-fuzz when it is missing.
// Without a target it names them all; `all` runs each for so many seconds. See fuzz/README.md.

import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

import { read, root, run, say, tryRun } from './lib.mjs'

const folder = join(root, 'fuzz')
const targets = readdirSync(join(folder, 'fuzz_targets')).map((name) => basename(name, '.rs'))
const [target, seconds = '60'] = process.argv.slice(2)

if (target === undefined || !/^[1-9]\d*$/.test(seconds) || !(target === 'all' || targets.includes(target))) {
  console.log(`npm run fuzz -- TARGET SECONDS\n\nTargets: all, ${targets.join(', ')}`)
  process.exit(target === undefined ? 0 : 1)
}
if (read('cargo', ['fuzz', '--version']) === null) {
  say('installing cargo-fuzz')
  run('cargo', ['install', 'cargo-fuzz', '--locked', '--version', '0.13.2'])
}
let failed = 0
for (const name of target === 'all' ? targets : [target]) failed += fuzz(name)
process.exit(failed > 0 ? 1 : 0)

/** 1 when something was found; libFuzzer says where it put the input. */
function fuzz(name) {
  say(`${name}, ${seconds} s`)
  const corpus = seed(name)
  const dictionary = join(folder, 'dictionaries', `${name.split('_')[0]}.dict`)
  const options = [`-max_total_time=${seconds}`, '-timeout=10', '-rss_limit_mb=4096', '-print_final_stats=1']
  if (existsSync(dictionary)) options.push(`-dict=${dictionary}`)
  // No sanitizer: that would need a nightly compiler, and nothing here is unsafe.
  const command = ['fuzz', 'run', '--sanitizer', 'none', name, corpus, '--', ...options]
  return tryRun('cargo', command, { cwd: folder }) === 0 ? 0 : 1
}

/** The working corpus, begun with the messages and vectors that the tests use and with what was found before. */
function seed(name) {
  const corpus = join(folder, 'corpus', name)
  mkdirSync(corpus, { recursive: true })
  const files = (path) => (existsSync(path) ? readdirSync(path).map((file) => join(path, file)) : [])
  const known = [...files(join(folder, 'seeds', name)), ...files(join(root, 'fixtures', 'fuzz', name))]
  if (/^mime_(parse|structure|charset|report|answer|calendar)$/.test(name)) {
    known.push(...files(join(root, 'fixtures', 'mime')).filter((path) => path.endsWith('.eml')))
  }
  for (const path of known.filter((path) => statSync(path).isFile())) copyFileSync(path, join(corpus, basename(path)))
  if (/^mime_(html|text)$/.test(name)) {
    const vectors = JSON.parse(readFileSync(join(root, 'fixtures', 'mime', 'xss-vectors.json'), 'utf8'))
    vectors.forEach((vector, index) => writeFileSync(join(corpus, `vector-${index}`), vector))
  }
  return corpus
}
