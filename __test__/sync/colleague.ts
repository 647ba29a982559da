import { Random } from './random'
import { RawClient } from './raw-client'

const SYSTEM_FLAGS = ['\\Seen', '\\Answered', '\\Flagged', '\\Draft']
const KEYWORDS = ['$Forwarded', '$Label1', 'NonJunk', 'Rechnung', 'work', 'a-rather-long-keyword-of-some-other-client']

/** Above it the colleague tidies up, so that a long run stays about as quick as a short one. */
const LARGE = 500

/** Commands that go out together before their answers are looked at. */
const CHUNK = 12

const HALF_DELETED = /Mailbox was deleted under us/

/** How often a mailbox is tried to be made anew. */
const MAX_REBUILDS = 100

interface Box {
  path: string
  uids: number[]
}

/**
 * The second client: delivers, flags, moves, copies, deletes, and builds mailboxes anew, at random but by seed. It is the only one
 * who writes, so it always knows what is there.
 */
export class Colleague {
  operations = 0
  /** How often a mailbox was deleted and made again. */
  rebuilt = 0
  #serial = 0
  #selected: string | null = null
  readonly #boxes: Box[]

  constructor(
    private readonly client: RawClient,
    private readonly random: Random,
    paths: readonly string[],
    private readonly keywords: boolean,
  ) {
    this.#boxes = paths.map((path) => ({ path, uids: [] }))
  }

  /** The mailboxes, empty. */
  async prepare(): Promise<void> {
    for (const { path } of this.#boxes) {
      await this.client.command(`DELETE "${path}"`)
      await this.client.ok(`CREATE "${path}"`)
    }
  }

  /** About `count` operations, in chunks each of which is one write; `pause` is awaited after some of them. */
  async work(count: number, pause: () => Promise<void>): Promise<void> {
    for (let left = count; left > 0; left -= CHUNK) {
      await this.#chunk(Math.min(CHUNK, left))
      if (this.random.chance(0.5)) await pause()
    }
  }

  async #chunk(count: number): Promise<void> {
    const box = this.random.pick(this.#boxes)
    if (this.random.chance(0.05)) return this.#rebuild(box)
    const answers: Promise<unknown>[] = [this.#select(box)]
    for (let i = 0; i < count; i++) {
      this.operations += 1
      answers.push(this.#operation(box))
    }
    const failures = (await Promise.allSettled(answers)).filter((each) => each.status === 'rejected')
    for (const { reason } of failures) if (!HALF_DELETED.test(String(reason))) throw reason
    // Dovecot has not got rid of an old one yet: what is there is anybody's guess.
    if (failures.length > 0) for (const each of this.#boxes) await this.#rebuild(each)
    for (const { uids } of this.#boxes) uids.sort((a, b) => a - b)
  }

  #operation(box: Box): Promise<unknown> {
    const { random } = this
    const dice = random.next()
    const full = box.uids.length > LARGE
    if (box.uids.length < 5 || (dice < 0.42 && !full)) return this.#append(random.chance(0.9) ? box : this.#other(box))
    if (dice < 0.75) return this.#flag(box)
    if (dice < 0.83) return this.#carry(box, 'MOVE')
    if (dice < 0.87 && !full) return this.#carry(box, 'COPY')
    return this.#delete(box, full ? 40 : 8)
  }

  async #append(box: Box): Promise<void> {
    const serial = ++this.#serial
    // Some mails are the same to the byte: a UID is what tells them apart.
    const name = this.random.chance(0.05) ? 'twin' : `op-${this.random.seed}-${serial}`
    const body = 'x'.repeat(this.random.between(0, 300))
    const mail = `Message-ID: <${name}@contoso.example>\r\nSubject: ${name}\r\n\r\n${name === 'twin' ? '' : body}\r\n`
    const flags = this.random.chance(0.4) ? `(${this.#flags().join(' ')}) ` : ''
    const { text } = await this.client.ok(`APPEND "${box.path}" ${flags}`.trimEnd(), Buffer.from(mail))
    box.uids.push(...uidsOf(/\[APPENDUID \d+ (\S+)\]/.exec(text)?.[1]))
  }

  #flag(box: Box): Promise<unknown> {
    const uids = this.random.some(box.uids, this.random.between(1, 30))
    if (uids.length === 0) return this.#append(box)
    const how = this.random.pick(['+FLAGS', '-FLAGS', 'FLAGS'])
    return this.client.ok(`UID STORE ${uids.join(',')} ${how}.SILENT (${this.#flags().join(' ')})`)
  }

  async #carry(box: Box, command: 'MOVE' | 'COPY'): Promise<void> {
    const uids = this.random.some(box.uids, this.random.between(1, 8))
    if (uids.length === 0) return this.#append(box)
    const other = this.#other(box)
    if (command === 'MOVE') drop(box, uids)
    const { text, untagged } = await this.client.ok(`UID ${command} ${uids.join(',')} "${other.path}"`)
    const copied = /\[COPYUID \d+ \S+ (\S+)\]/.exec([text, ...untagged].join('\n'))
    other.uids.push(...uidsOf(copied?.[1]))
  }

  async #delete(box: Box, most: number): Promise<void> {
    const uids = this.random.some(box.uids, this.random.between(1, most))
    if (uids.length === 0) return this.#append(box)
    drop(box, uids)
    const set = uids.join(',')
    await Promise.all([
      this.client.ok(`UID STORE ${set} +FLAGS.SILENT (\\Deleted)`),
      this.client.ok(`UID EXPUNGE ${set}`),
    ])
  }

  /** Another UIDVALIDITY under the same name. */
  async #rebuild(box: Box): Promise<void> {
    await this.#unselect()
    // While a session still has the old one open, Dovecot may answer ALREADYEXISTS or NO to SELECT.
    for (let left = MAX_REBUILDS; !(await this.#made(box)); left--) {
      if (left === 0) throw new Error(`${box.path} cannot be made anew`)
    }
    box.uids = []
    this.operations += 2
    this.rebuilt += 1
  }

  async #made({ path }: Box): Promise<boolean> {
    await this.client.command(`DELETE "${path}"`)
    if ((await this.client.command(`CREATE "${path}"`)).status !== 'OK') return false
    const { status, untagged } = await this.client.command(`SELECT "${path}"`)
    if (status === 'OK') this.#selected = path
    return status === 'OK' && untagged.includes('* 0 EXISTS')
  }

  #select(box: Box): Promise<unknown> {
    if (this.#selected === box.path) return Promise.resolve()
    this.#selected = box.path
    return this.client.ok(`SELECT "${box.path}"`)
  }

  async #unselect(): Promise<void> {
    if (this.#selected !== null) await this.client.ok('UNSELECT')
    this.#selected = null
  }

  #other(box: Box): Box {
    return this.random.pick(this.#boxes.filter((each) => each !== box))
  }

  #flags(): string[] {
    const names = this.keywords ? [...SYSTEM_FLAGS, ...KEYWORDS] : SYSTEM_FLAGS
    return this.random.some(names, this.random.between(1, 3))
  }
}

function drop(box: Box, uids: readonly number[]): void {
  const going = new Set(uids)
  box.uids = box.uids.filter((uid) => !going.has(uid))
}

/** `3,5:7` as numbers. */
function uidsOf(set: string | undefined): number[] {
  if (set === undefined) return []
  return set.split(',').flatMap((range) => {
    const [from, to = from] = range.split(':').map(Number)
    return Array.from({ length: to - from + 1 }, (_, index) => from + index)
  })
}
