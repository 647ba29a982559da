// reader.c: compiled when it is first wanted, run as a contender.

import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'

import { here } from './children.mjs'
import { finish, given, send } from './meter.mjs'

/** Sends the figures of one command in INBOX, or why there are none. `messages` where its answer does not count them. */
export function readInC(command, more = {}) {
  const program = compiled()
  if (program.skipped) send(program)
  else send({ ...run(program, command), ...more })
  finish()
}

function run(program, command) {
  const dir = mkdtempSync(join(tmpdir(), 'email-native-reader-'))
  try {
    const ca = join(dir, 'ca.pem')
    writeFileSync(ca, given.ca)
    const { host, port, user, password } = given
    const args = [host, String(port), ca, user, password, 'INBOX', command]
    const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' })
    if (status !== 0) throw new Error(stderr)
    const { wallMs, cpuMs, rssMb, messages } = JSON.parse(stdout)
    return { wallMs, cpuMs, rssMb, messages }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function compiled() {
  const source = join(here, 'reader.c')
  const program = join(tmpdir(), `email-native-reader-${userInfo().uid}`)
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return program
  const { status, error, stderr } = spawnSync('cc', ['-O2', '-o', program, source, '-lssl', '-lcrypto'], {
    encoding: 'utf8',
  })
  if (error) return { skipped: 'there is no C compiler `cc`' }
  if (status !== 0) return { skipped: `reader.c does not compile (OpenSSL's headers?): ${stderr.split('\n')[0]}` }
  return program
}
