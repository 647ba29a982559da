// `npm run demo`: from a fresh clone to the whole job done. Installs and builds first, what is done already costs nothing.

import { join } from 'node:path'

import { buildNative, installPackages, root, run } from './lib.mjs'

installPackages()
buildNative({ release: true })
run(process.execPath, [join(root, 'demo', 'terminal.mjs'), ...process.argv.slice(2)], { shell: false })
