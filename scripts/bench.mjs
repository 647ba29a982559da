// `npm run bench`: installs and builds what is missing, then measures.

import { join } from 'node:path'

import { buildNative, installPackages, root, run } from './lib.mjs'

installPackages()
buildNative({ release: true })
run(process.execPath, [join(root, 'benchmark', 'run.mjs'), ...process.argv.slice(2)])
