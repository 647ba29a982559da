import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { describe, expect, test } from 'vitest'

const root = dirname(__dirname)
/** What the others import. */
const PARTS = ['mailbox.mjs', 'mail-store.mjs']
const examples = readdirSync(join(root, 'examples')).filter((name) => name.endsWith('.mjs') && !PARTS.includes(name))

describe('examples', () => {
  test.each(examples)('%s runs and says something', (name) => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [join('examples', name)], {
      cwd: root,
      encoding: 'utf8',
      timeout: 25_000,
    })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout).not.toBe('')
  })

  test('each is in the README of the folder', () => {
    const readme = readFileSync(join(root, 'examples', 'README.md'), 'utf8')
    for (const name of examples) expect(readme).toContain(`(${name})`)
  })
})
