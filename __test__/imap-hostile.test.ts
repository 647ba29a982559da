// Hostile and broken servers (hazards A and C): each case in a process of its own, so that its end, its memory and its time
// are its own.

import { spawn } from 'node:child_process'
import { join } from 'node:path'

import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { createAuthority } from '../simulator/tls/authority.js'
import type { Case, Told } from './hostile/case'
import { deflate } from './hostile/deflate'
import { floods } from './hostile/floods'
import { lies } from './hostile/lies'
import { literals } from './hostile/literals'
import { numbers } from './hostile/numbers'
import { startServer, type HostileServer } from './hostile/server'
import { silences } from './hostile/silence'
import { tls } from './hostile/tls'

const PROGRAM = join(__dirname, 'programs', 'hostile.cjs')
/** No call hangs for longer: the deadline of the cases that do not set another one is below. */
const LONGEST_MS = 10_000
const DEADLINE_MS = 9_000
/** What a hostile connection may take, at default limits. */
const MOST_MB = 64
/** Processes at a time, on a machine with two cores. */
const AT_ONCE = 3
const USER = 'ada'
const PASSWORD = 's3cr3t'

const groups = { literals, floods, numbers, silences, lies, tls, deflate }

describe.each(Object.entries(groups))('hostile servers: %s', (_name, cases) => {
  let authority: Awaited<ReturnType<typeof createAuthority>>
  let certificate: { key: string; cert: string }
  let good: HostileServer

  beforeAll(async () => {
    authority = await createAuthority()
    certificate = await authority.issue()
    good = await startServer({}, certificate)
  })
  afterAll(() => good?.stop())

  test.concurrent.each(cases)('$name', { timeout: 240_000 }, async (one) => {
    const server = await startServer(one.script, certificate)
    try {
      const told = await told_(one, server)
      expect([one.code].flat(), JSON.stringify(told)).toContain(told.code)
      if (told.code !== 'OK') expect(told).toMatchObject({ typed: true, category: expect.any(String) })
      expect(told.ms, 'milliseconds').toBeLessThan(LONGEST_MS)
      expect(told.grownMb, 'MB').toBeLessThanOrEqual(MOST_MB)
      const again = one.again === undefined ? 'status' : one.again
      if (again !== null) expect(told.again, JSON.stringify(told)).toMatchObject({ code: 'OK' })
      one.check?.(told, server)
    } finally {
      await server.stop()
    }
  })

  async function told_(one: Case, server: HostileServer): Promise<Told> {
    const overTls = one.call.endsWith(' over TLS')
    const address = (port: number) => ({ host: '127.0.0.1', port, auth: { user: USER, password: PASSWORD } })
    const tlsMode = overTls ? 'implicit' : (one.script.tls ?? 'none')
    const task = {
      good: { ...address(good.port), tls: 'none' },
      options: { ...address(server.port), tls: tlsMode, ca: authority.certificate, ...one.options },
      call: one.call.replace(' over TLS', ''),
      timeoutMs: one.timeoutMs ?? DEADLINE_MS,
      again: one.again === undefined ? 'status' : one.again,
    }
    return oneOf(() => run(task))
  }
})

/** Exit code 0, nothing on stderr, one line of JSON. */
async function run(task: object): Promise<Told> {
  const child = spawn(process.execPath, ['--expose-gc', PROGRAM, JSON.stringify(task)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => (stdout += chunk))
  child.stderr.on('data', (chunk) => (stderr += chunk))
  const patience = setTimeout(() => child.kill('SIGKILL'), 60_000)
  const ended = await new Promise((resolve) => child.once('close', (code, signal) => resolve({ code, signal })))
  clearTimeout(patience)
  expect({ ...(ended as object), stderr }).toEqual({ code: 0, signal: null, stderr: '' })
  return JSON.parse(stdout)
}

let running = 0
const waiting: (() => void)[] = []

async function oneOf<T>(work: () => Promise<T>): Promise<T> {
  if (running >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve))
  else running += 1
  try {
    return await work()
  } finally {
    const next = waiting.shift()
    if (next) next()
    else running -= 1
  }
}
