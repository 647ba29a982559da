/** Three readers of the same messages, brought to one shape. */

import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

import { simpleParser, type AddressObject, type EmailAddress } from 'mailparser'

import { parseMessage } from '../../index'
import { hash, type Person, type Reading, type Sample } from './messages'

export async function ours(raw: Buffer): Promise<Reading> {
  const parsed = await parseMessage(raw, { attachments: 'content' })
  const people = (all: Person[]) => all.filter((a) => a.address !== '').map(({ name, address }) => ({ name, address }))
  return {
    subject: parsed.subject,
    from: people(parsed.from),
    to: people(parsed.to),
    cc: people(parsed.cc),
    messageId: parsed.messageId,
    inReplyTo: parsed.inReplyTo,
    references: parsed.references,
    date: parsed.date?.getTime() ?? null,
    text: parsed.text,
    // What was made of the text is not the sender's HTML.
    html: parsed.html?.startsWith('<div style="white-space:pre-wrap">') ? null : parsed.html,
    attachments: parsed.attachments.map((a) => ({
      name: a.filename,
      type: a.contentType,
      size: a.size,
      hash: hash(a.content!),
    })),
  }
}

export async function mailparser(raw: Buffer): Promise<Reading> {
  const parsed = await simpleParser(raw, { keepCidLinks: true, skipTextToHtml: true, skipTextLinks: true })
  const flat = (all: EmailAddress[]): Person[] =>
    all.flatMap((a) => (a.group ? flat(a.group) : [{ name: a.name || null, address: a.address ?? '' }]))
  const people = (field: AddressObject | AddressObject[] | undefined) =>
    flat([field ?? []].flat().flatMap((f) => f.value))
  return {
    subject: parsed.subject ?? null,
    from: people(parsed.from),
    to: people(parsed.to),
    cc: people(parsed.cc),
    messageId: parsed.messageId ?? null,
    inReplyTo: parsed.inReplyTo ?? null,
    references: [parsed.references ?? []].flat(),
    date: parsed.date?.getTime() ?? null,
    text: parsed.text ?? null,
    html: parsed.html || null,
    attachments: parsed.attachments.map((a) => ({
      name: a.filename ?? '',
      type: a.contentType,
      size: a.size,
      hash: hash(a.content),
    })),
  }
}

export const PYTHON = 'python3'
export const hasPython = spawnSync(PYTHON, ['-c', 'import email.policy']).status === 0

/** All of them, in order, by one process. */
export async function* python(samples: Iterable<Sample>): AsyncIterableIterator<Reading> {
  const folder = mkdtempSync(join(tmpdir(), 'email-native-differential-'))
  try {
    const paths = [...samples].map(({ raw }, n) => {
      const path = join(folder, String(n))
      writeFileSync(path, raw)
      return path
    })
    const program = spawn(PYTHON, ['-W', 'ignore', join(__dirname, 'peer.py')], { stdio: ['pipe', 'pipe', 'inherit'] })
    program.stdin.on('error', () => {})
    program.stdin.end(`${paths.join('\n')}\n`)
    for await (const line of createInterface(program.stdout)) yield JSON.parse(line) as Reading
  } finally {
    rmSync(folder, { recursive: true })
  }
}
