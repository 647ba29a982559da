import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { expect, test } from 'vitest'

const root = dirname(__dirname)

/** The first four JavaScript blocks of README.md, as they stand there, run one after the other on the mail world. */
test('the README’s examples run as they stand', () => {
  const dir = mkdtempSync(join(tmpdir(), 'email-native-readme-'))
  try {
    for (const name of ['offer.pdf', 'logo.png']) writeFileSync(join(dir, name), 'x')
    const readme = readFileSync(join(root, 'README.md'), 'utf8')
    const blocks = [...readme.matchAll(/```js\n([^]*?)```/g)].slice(0, 4).map(([, code]) => code)
    expect(blocks).toHaveLength(4)
    const program = join(dir, 'readme.cjs')
    writeFileSync(program, programOf(blocks, dir))
    const { status, stdout, stderr } = spawnSync(process.execPath, [program], { cwd: root, encoding: 'utf8' })
    expect(stderr).toBe('')
    expect(status).toBe(0)
    expect(stdout.trim().split('\n').at(-1)).toBe('sent to ada@example.com')
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
})

/** Only what a made-up world needs is put in: its endpoints, its CA, the browser, the files. */
function programOf(blocks: string[], dir: string): string {
  const code = blocks
    .join('\n')
    .replaceAll("'@nocobase/email-native'", JSON.stringify(join(root, 'index.js')))
    .replace(
      'microsoft({ clientId, clientSecret })',
      'microsoft({ clientId, clientSecret, endpoints: world.microsoft.endpoints })',
    )
    .replace('new OAuthClient(provider)', 'new OAuthClient(provider, { ca: world.ca })')
    .replaceAll('.connect({ ', '.connect({ ca: world.ca, ')
    .replace(
      'const { tokens, identity }',
      'const callbackUrl = await world.signIn(pending.url)\nconst { tokens, identity }',
    )
    .replaceAll('/srv/files', dir)
  return `
const { startMailWorld } = require(${JSON.stringify(join(root, 'simulator'))})
async function main() {
  const world = await startMailWorld({ seed: 20 })
  const { clientId, clientSecret } = world.microsoft
  const store = async () => {}
  const storedCursor = null
  const apply = async ({ cursor }) => { if (typeof cursor !== 'string') throw new Error('no cursor') }
  ${code}
  console.log('sent to', accepted.join())
  await world.stop()
}
main()
`
}
