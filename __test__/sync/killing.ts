import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import Database from 'libsql'

import { Random } from './random'
import { flagsOf, type RawClient, type Stored } from './raw-client'
import { truthOf } from './truth'

const PROGRAM = join(__dirname, '..', 'programs', 'sync-killed.mjs')
const PATH = 'Killed'

/** After the connection stands: a batch comes every few milliseconds, a whole mailbox in some seconds. */
const LATEST_MS = 700

/** A busy machine may not get to a batch by then: as long as none comes, the next one is given so much more time. */
const PATIENCE = 1.3

/** Some are killed while they start, whenever that is. */
const STARTING_MS = 300
const STARTING_SHARE = 0.1

/** Commands that go out together. */
const PIPELINED = 500

export interface KillFigures {
  kills: number
  /** Syncs that came to their end, each compared with the server. */
  completions: number
  batches: number
  /** Messages stored, each once. */
  stored: number
  /** Messages that were received and had to come again, of the worst kill and of all. */
  worstAgain: number
  again: number
}

interface Target {
  /** Where a syncing process connects to: one of these each time, so that a cursor also crosses strategies. */
  ports: number[]
  user: string
  password: string
}

/** Kills syncing processes at random instants, and compares what they stored with the server whenever one comes to its end. */
export class Killing {
  readonly figures: KillFigures = { kills: 0, completions: 0, batches: 0, stored: 0, worstAgain: 0, again: 0 }
  readonly #dir = mkdtempSync(join(tmpdir(), 'email-native-killed-'))
  readonly #random: Random
  #database = 0
  #latestMs = LATEST_MS
  #serial = 0

  constructor(
    private readonly client: RawClient,
    private readonly target: Target,
    private readonly batchSize: number,
    seed: number,
  ) {
    this.#random = new Random(seed)
  }

  async prepare(messages: number): Promise<void> {
    await this.client.command(`DELETE "${PATH}"`)
    await this.client.ok(`CREATE "${PATH}"`)
    await this.#append(messages)
  }

  async run(kills: number): Promise<KillFigures> {
    while (this.figures.kills < kills) {
      const finished = await this.#once(true)
      if (finished) await this.#completed()
    }
    while (!(await this.#once(false)));
    await this.#completed()
    return this.figures
  }

  stop(): void {
    rmSync(this.#dir, { recursive: true, force: true })
  }

  get #file(): string {
    return join(this.#dir, `${this.#database}.db`)
  }

  /** One process, killed or not; resolves to whether it came to its end. */
  async #once(kill: boolean): Promise<boolean> {
    const before = this.#batches()
    const receipts = join(this.#dir, 'receipts')
    rmSync(receipts, { force: true })
    const imap = {
      ...{ host: '127.0.0.1', port: this.#random.pick(this.target.ports), tls: 'none' },
      auth: { user: this.target.user, password: this.target.password },
    }
    const job = { imap, path: PATH, file: this.#file, receipts, batchSize: this.batchSize }
    const child = spawn(process.execPath, [PROGRAM, JSON.stringify(job)], { stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    child.stderr.on('data', (chunk) => (output += chunk))
    let timer: NodeJS.Timeout | undefined
    const killWithin = (ms: number) =>
      (timer = setTimeout(() => child.kill('SIGKILL'), this.#random.between(0, Math.round(ms))))
    if (kill && this.#random.chance(STARTING_SHARE)) killWithin(STARTING_MS)
    else if (kill) child.stdout.once('data', () => killWithin(this.#latestMs))
    const { code, signal } = await new Promise<{ code: number | null; signal: string | null }>((resolve) =>
      child.once('close', (code, signal) => resolve({ code, signal })),
    )
    clearTimeout(timer)
    if (signal === 'SIGKILL') this.figures.kills += 1
    else if (code !== 0) throw new Error(`a syncing process ended with ${code ?? signal}: ${output}`)
    const stored = this.#batches() - before
    this.#countAgain(receipts, stored)
    this.#latestMs = stored > 0 ? LATEST_MS : this.#latestMs * PATIENCE
    return code === 0
  }

  /** Batches stored so far in this database. Opening it is what rolls back a half-written transaction. */
  #batches(): number {
    if (!existsSync(this.#file)) return 0
    const db = new Database(this.#file)
    try {
      const tables = db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'state'").get()
      return tables.n === 0 ? 0 : (db.prepare('SELECT batches FROM state').get()?.batches ?? 0)
    } finally {
      db.close()
    }
  }

  #countAgain(receipts: string, stored: number): void {
    const received = existsSync(receipts) ? readFileSync(receipts, 'utf8').trim().split('\n').map(Number) : []
    if (received.length > stored + 1) throw new Error(`${received.length} batches received, ${stored} stored`)
    const again = received.slice(stored).reduce((sum, count) => sum + count, 0)
    this.figures.batches += stored
    this.figures.stored += received.slice(0, stored).reduce((sum, count) => sum + count, 0)
    this.figures.again += again
    this.figures.worstAgain = Math.max(this.figures.worstAgain, again)
  }

  async #completed(): Promise<void> {
    const truth = await truthOf(this.client, PATH)
    const db = new Database(this.#file)
    const rows = new Map<number, Stored>()
    for (const { uid, hash, flags } of db.prepare('SELECT uid, hash, flags FROM messages').all()) {
      rows.set(uid, { hash, flags: flagsOf(JSON.parse(flags)) })
    }
    db.close()
    const wrong = [...(truth ?? [])].filter(([uid, want]) => {
      const row = rows.get(uid)
      return row?.hash !== want.hash || row.flags !== want.flags
    })
    if (wrong.length > 0 || rows.size !== truth?.size) {
      const some = JSON.stringify(wrong.slice(0, 5).map(([uid, want]) => [uid, want, rows.get(uid)]))
      throw new Error(`${rows.size} stored, ${truth?.size} on the server, ${wrong.length} differ: ${some}`)
    }
    this.figures.completions += 1
    // The next one has changes to find, or everything.
    if (this.#random.chance(0.4)) this.#database += 1
    await this.#change([...truth.keys()])
  }

  async #change(uids: number[]): Promise<void> {
    await this.client.ok(`SELECT "${PATH}"`)
    const gone = this.#random.some(uids, 600)
    const flagged = this.#random.some(uids, 3000)
    if (gone.length > 0) {
      await this.client.ok(`UID STORE ${rangesOf(gone)} +FLAGS.SILENT (\\Deleted)`)
      await this.client.ok(`UID EXPUNGE ${rangesOf(gone)}`)
    }
    const how = this.#random.pick(['+FLAGS', '-FLAGS'])
    if (flagged.length > 0) await this.client.ok(`UID STORE ${rangesOf(flagged)} ${how}.SILENT (\\Flagged $Label1)`)
    await this.client.ok('UNSELECT')
    await this.#append(gone.length)
  }

  async #append(count: number): Promise<void> {
    for (let left = count; left > 0; left -= PIPELINED) {
      const answers = Array.from({ length: Math.min(PIPELINED, left) }, () => {
        const name = `kill-${++this.#serial}`
        const mail = `Message-ID: <${name}@contoso.example>\r\nSubject: ${name}\r\n\r\n${'x'.repeat(this.#serial % 300)}\r\n`
        return this.client.ok(`APPEND "${PATH}"${this.#serial % 3 === 0 ? ' (\\Seen)' : ''}`, Buffer.from(mail))
      })
      await Promise.all(answers)
    }
  }
}

/** `1:3,7`: thousands of UIDs in a command must not be thousands of numbers. */
function rangesOf(uids: readonly number[]): string {
  const ranges: Array<[number, number]> = []
  for (const uid of uids) {
    const last = ranges[ranges.length - 1]
    if (last !== undefined && last[1] === uid - 1) last[1] = uid
    else ranges.push([uid, uid])
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}:${to}`)).join(',')
}
