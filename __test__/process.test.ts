import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'

import { expect, test } from 'vitest'

import { imapOptions, onImap } from './backends'

const program = (name: string) => join(__dirname, 'programs', name)

onImap('life in the server process', (backend) => {
  const data = JSON.stringify(imapOptions(backend, 'process'))

  test('20 workers terminated in mid-call', async () => {
    for (let i = 0; i < 20; i++) {
      const worker = new Worker(program('worker.cjs'), { workerData: JSON.parse(data) })
      const message = await new Promise((resolve, reject) => {
        worker.once('message', resolve)
        worker.once('error', reject)
      })
      expect(message).toBe('working')
      await new Promise((resolve) => setTimeout(resolve, i * 3))
      await worker.terminate()
    }
  })

  test('a MailError in a worker is one', async () => {
    const worker = new Worker(program('worker-error.cjs'))
    const message = await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
    })
    expect(message).toEqual({ instance: true, code: 'CONNECTION_REFUSED' })
    await worker.terminate()
  })

  test.each([
    ['process.exit in mid-call', 'exit', 0, 5_000],
    ['an idle client does not keep the process alive', 'idle', 0, 5_000],
    ['an idle client with a token callback and a logger does not either', 'idle-callbacks', 0, 5_000],
    ['a watcher does not either', 'watch', 0, 5_000],
    ['close settles a pending call at once', 'close', 0, 5_000],
    ['logout settles everything within 1.5 s, also when the server is silent', 'logout', 0, 5_000],
    ['a loop left half-way, then the end', 'left-loop', 0, 5_000],
    ['garbage collection of clients with open work', 'collected', 0, 10_000],
  ])('%s', async (_what, scenario, code, withinMs) => {
    const ended = await ends(scenario, withinMs)
    expect(ended).toEqual({ code, signal: null, output: '' })
  })

  test('SIGTERM with work in flight ends the process at once', async () => {
    const ended = await ends('term', 5_000, (child) => setTimeout(() => child.kill('SIGTERM'), 300))
    expect(ended).toMatchObject({ output: '' })
    expect(ended.signal ?? ended.code).toSatisfy((end: unknown) => end === 'SIGTERM' || end === 0)
  })

  function ends(scenario: string, withinMs: number, during: (child: ReturnType<typeof spawn>) => void = () => {}) {
    const child = spawn(process.execPath, ['--expose-gc', program('ends.cjs'), scenario, data], {
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    during(child)
    return new Promise<{ code: number | null; signal: string | null; output: string }>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL')
        reject(new Error(`${scenario} is still alive after ${withinMs} ms: ${output}`))
      }, withinMs)
      child.once('close', (code, signal) => {
        clearTimeout(late)
        resolve({ code, signal, output })
      })
    })
  }
})
