// `npm test`: everything, from a fresh clone. Installs what it needs, says aloud what it has to skip.

import { spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'

import { buildNative, installPackages, root, say, tryRun } from './lib.mjs'
import { installServers } from './servers.mjs'

const totals = { passed: 0, failed: 0, skipped: 0 }
const broken = []

installPackages()
const missing = installServers()

say('Rust: units, transcripts, properties')
await rust()

buildNative({ release: true })

say('types: TypeScript 5.1 and current')
types('typescript-5.1', 'tsconfig.node.json')
types('typescript', 'tsconfig.json')
types('typescript-current', 'tsconfig.json')

say('the package: real servers, simulator, browser')
vitest()

for (const { name, why } of missing) console.log(`SKIPPED ${name}: ${why}`)
if (broken.length > 0) console.log(`\n✗ ${broken.join(', ')}`)
console.log(`\nTotal: ${totals.passed} passed, ${totals.failed} failed, ${totals.skipped} skipped`)
process.exit(broken.length > 0 || totals.failed > 0 ? 1 : 0)

/** Passes the output on and adds up cargo's result lines. */
async function rust() {
  const cargo = spawn('cargo', ['test', '--workspace', '--locked', '--no-fail-fast'], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    // Properties draw the same cases each time, so that green stays green; `cargo test` alone draws new ones.
    env: { PROPTEST_RNG_SEED: '20261122', ...process.env },
  })
  let output = ''
  cargo.stdout.on('data', (chunk) => {
    process.stdout.write(chunk)
    output += chunk
  })
  const code = await new Promise((resolve) => {
    cargo.once('error', (error) => resolve(error.message))
    cargo.once('close', resolve)
  })
  for (const [, passed, failed, ignored] of output.matchAll(
    /^test result: .*? (\d+) passed; (\d+) failed; (\d+) ignored/gm,
  )) {
    totals.passed += Number(passed)
    totals.failed += Number(failed)
    totals.skipped += Number(ignored)
  }
  if (code !== 0) broken.push('cargo test')
}

/** One compiler is one test: index.d.ts and the type tests hold under it or not. */
function types(name, config) {
  const compiler = join(root, 'node_modules', name, 'bin', 'tsc')
  const code = tryRun(process.execPath, [compiler, '--project', join('__test__', 'types', config)])
  totals[code === 0 ? 'passed' : 'failed'] += 1
  if (code !== 0) broken.push(name)
}

function vitest() {
  const report = join(root, 'target', 'vitest.json')
  rmSync(report, { force: true })
  const cli = join(root, 'node_modules', 'vitest', 'vitest.mjs')
  const code = tryRun(process.execPath, [
    cli,
    'run',
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ])
  if (code !== 0) broken.push('vitest')
  const { numPassedTests, numFailedTests, numPendingTests } = JSON.parse(readFileSync(report, 'utf8'))
  totals.passed += numPassedTests
  totals.failed += numFailedTests
  totals.skipped += numPendingTests
}
