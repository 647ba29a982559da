import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const mark = join(__dirname, '..', 'target', 'binding-profile')

/** Whether the binary under test is optimised: some loads are cut down for one that is not. */
export const isRelease = existsSync(mark) && readFileSync(mark, 'utf8').trim() === 'release'
