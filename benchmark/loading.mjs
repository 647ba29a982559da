// What `require` costs in a fresh process.

import { spawnSync } from 'node:child_process'
import { join } from 'node:path'

import { here } from './children.mjs'
import { finish, send } from './meter.mjs'

const TIMES = 9

/** Median of several processes, each of which requires all of `packages`. */
export function measureLoading(packages) {
  const script = `
    const rss = process.memoryUsage.rss(), started = performance.now()
    for (const name of ${JSON.stringify(packages)}) require(name)
    console.log(JSON.stringify({ wallMs: performance.now() - started, growthMb: (process.memoryUsage.rss() - rss) / 2 ** 20 }))`
  const samples = Array.from({ length: TIMES }, () => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['-e', script], {
      cwd: join(here, '..'),
      encoding: 'utf8',
    })
    if (status !== 0) throw new Error(stderr)
    return JSON.parse(stdout)
  })
  send(samples.sort((a, b) => a.wallMs - b.wallMs)[Math.floor(TIMES / 2)])
  finish()
}
