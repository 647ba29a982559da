import { spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'

import { imapOptions } from './backends'

const root = dirname(__dirname)

describe('the package', () => {
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'email-native-package-'))
  })
  afterAll(() => rmSync(dir, { recursive: true, force: true }))

  const options = () => JSON.stringify(imapOptions(inject('backends')[0], 'boundary'))

  /** Runs a Node program with nothing but Node on the path: no compiler, no cargo. */
  function node(cwd: string, ...args: string[]) {
    const PATH = dirname(process.execPath)
    return spawnSync(process.execPath, args, { cwd, encoding: 'utf8', env: { PATH, HOME: dir } })
  }

  test('both tarballs install into an empty project, offline, and fetch', () => {
    run(root, process.execPath, ['scripts/pack.mjs', join(dir, 'tarballs')])
    const tarballs = readdirSync(join(dir, 'tarballs')).map((name) => join(dir, 'tarballs', name))
    expect(tarballs).toHaveLength(2)
    const project = join(dir, 'project')
    mkdirSync(project)
    writeFileSync(join(project, 'package.json'), '{ "name": "empty", "private": true }')
    run(project, 'npm', ['install', '--offline', '--no-audit', '--no-fund', ...tarballs])
    writeFileSync(join(project, 'fetch.cjs'), fetchProgram("require('@nocobase/email-native')"))
    expect(node(project, 'fetch.cjs', options())).toMatchObject({ stdout: 'fetched\n', stderr: '', status: 0 })
    writeFileSync(
      join(project, 'esm.mjs'),
      "import { parseMessage } from '@nocobase/email-native'\nconsole.log(typeof parseMessage)\n",
    )
    expect(node(project, 'esm.mjs')).toMatchObject({ stdout: 'function\n', stderr: '' })
  })

  test('bundled by ncc, as the host does with a plugin', () => {
    const plugin = join(dir, 'project', 'bundled')
    const ncc = join(root, 'node_modules', '@vercel', 'ncc', 'dist', 'ncc', 'cli.js')
    const entry = join(dir, 'project', 'node_modules', '@nocobase', 'email-native', 'index.js')
    run(dir, process.execPath, [ncc, 'build', entry, '--target', 'es2020', '--quiet', '--out', plugin])
    expect(readdirSync(plugin).some((name) => name.endsWith('.node'))).toBe(true)
    const alone = join(dir, 'alone')
    cpSync(plugin, alone, { recursive: true })
    writeFileSync(join(alone, 'fetch.cjs'), fetchProgram("require('./index.js')"))
    expect(node(alone, 'fetch.cjs', options())).toMatchObject({ stdout: 'fetched\n', stderr: '', status: 0 })
  })

  test('a load failure names platform, arch, libc, Node and the missing package', () => {
    const broken = join(dir, 'broken')
    for (const name of ['index.js', 'binding.js', 'lib', 'package.json'])
      cpSync(join(root, name), join(broken, name), { recursive: true })
    const { stderr, status } = node(broken, '-e', "require('./index.js')")
    expect(status).toBe(1)
    expect(stderr).toContain(process.platform)
    expect(stderr).toContain(process.arch)
    expect(stderr).toMatch(/@nocobase\/email-native-\w+-\w+(-gnu|-musl|-msvc)?/)
    expect(stderr).toContain(process.version)
  })

  test('two copies in one process live side by side', () => {
    const copies = ['one', 'two'].map((name) => join(dir, name))
    for (const copy of copies) {
      for (const name of [
        ...readdirSync(root).filter((file) => file.endsWith('.node')),
        'index.js',
        'binding.js',
        'lib',
        'package.json',
      ]) {
        cpSync(join(root, name), join(copy, name), { recursive: true })
      }
    }
    const program = join(dir, 'both.cjs')
    writeFileSync(program, bothProgram(copies))
    expect(node(dir, program, options())).toMatchObject({ stdout: 'both\n', stderr: '', status: 0 })
  })

  test.each(['before', 'after'])('loaded %s SES lockdown', (when) => {
    const ended = node(root, join(__dirname, 'programs', 'lockdown.cjs'), when, options())
    expect(ended).toMatchObject({ stdout: 'locked down\n', stderr: '', status: 0 })
  })

  test('loading is quick and prints nothing', () => {
    const ended = node(
      root,
      '-e',
      "const t = performance.now(); require('./index.js'); console.log(performance.now() - t)",
    )
    expect(ended.stderr).toBe('')
    expect(Number(ended.stdout)).toBeGreaterThan(0)
  })
})

function run(cwd: string, command: string, args: string[]): void {
  const { status, stdout, stderr } = spawnSync(command, args, { cwd, encoding: 'utf8' })
  expect(status, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
}

function fetchProgram(load: string): string {
  return `
const { ImapClient } = ${load}
async function main() {
  const client = await ImapClient.connect(JSON.parse(process.argv[2]))
  for await (const _ of client.fetch('INBOX', { newest: 1 }, { message: true }));
  await client.logout()
  console.log('fetched')
}
main()
`
}

function bothProgram(copies: string[]): string {
  return `
const [one, two] = ${JSON.stringify(copies)}.map((copy) => require(copy + '/index.js'))
async function main() {
  if (one.MailError === two.MailError) throw new Error('the same copy twice')
  const clients = await Promise.all([one, two].map(({ ImapClient }) => ImapClient.connect(JSON.parse(process.argv[2]))))
  await Promise.all(clients.map((client) => client.status('INBOX')))
  await Promise.all(clients.map((client) => client.logout()))
  const error = await two.parseMessage('x').catch((error) => error)
  if (error.code !== 'INVALID_ARGUMENT' || error instanceof one.MailError) throw error
  console.log('both')
}
main()
`
}
