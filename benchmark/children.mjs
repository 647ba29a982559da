// Processes of the benchmark: servers that are asked over IPC, contenders that send one set of figures.

import { fork } from 'node:child_process'
import { join } from 'node:path'

export const here = import.meta.dirname ?? new URL('.', import.meta.url).pathname

const STDIO = ['ignore', 'inherit', 'inherit', 'ipc']

/** A server: its first message is what it is, `ask` is answered by one message, `stop` ends it. */
export async function startServer(file, given = {}) {
  const child = fork(join(here, 'servers', file), [JSON.stringify(given)], { stdio: STDIO })
  const ended = new Promise((_resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`${file} ended with code ${code}`)))
  })
  ended.catch(() => {})
  const answer = () => Promise.race([new Promise((resolve) => child.once('message', resolve)), ended])
  const info = await answer()
  return {
    info,
    ask(question) {
      child.send(question)
      return answer()
    },
    async stop() {
      child.send('stop')
      await ended.catch(() => {})
    },
  }
}

/** Runs a contender to its end: its figures, or null when it cannot run here (it says why). */
export async function runContender(line, contender, given) {
  const child = fork(join(here, 'contenders', `${line}.${contender}.mjs`), [JSON.stringify(given)], {
    stdio: STDIO,
    execArgv: ['--expose-gc'],
  })
  let figures = null
  child.on('message', (message) => (figures = message))
  const code = await new Promise((resolve) => child.once('exit', resolve))
  if (code !== 0) throw new Error(`${line}: ${contender} ended with code ${code}`)
  if (figures === null) throw new Error(`${line}: ${contender} sent no figures`)
  return figures
}
