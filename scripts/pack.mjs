// Packs what is published: the main package and this machine's platform package, into one folder.
//
//   node scripts/pack.mjs <folder>

import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

import { root, run } from './lib.mjs'

const folder = resolve(process.argv[2] ?? join(root, 'target', 'packages'))
mkdirSync(folder, { recursive: true })

const napi = join(root, 'node_modules', '@napi-rs', 'cli', 'dist', 'cli.js')
run(process.execPath, [napi, 'create-npm-dirs'], { stdio: ['ignore', 'ignore', 'inherit'] })
for (const binary of readdirSync(root).filter((name) => name.endsWith('.node'))) {
  const target = binary.split('.')[1]
  copyFileSync(join(root, binary), join(root, 'npm', target, binary))
  pack(join(root, 'npm', target))
}
pack(root)

function pack(directory) {
  const { name, version } = JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8'))
  run('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: directory })
  console.log(`packed ${name} ${version}`)
}
