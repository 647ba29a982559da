// `npm run demo:web`: the same job as a small page.

import { join } from 'node:path'

import { buildNative, installPackages, root, run } from './lib.mjs'

installPackages()
buildNative({ release: true })
run(process.execPath, [join(root, 'demo', 'web', 'main.mjs'), ...process.argv.slice(2)], { shell: false })
