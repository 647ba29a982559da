/**
 * Made-up messages, the same for the same seed, and what a reader has to find in them. Each carries the names of the
 * features that were drawn for it: what two parsers differ in is explained by one of them (differences.json).
 */

import { createHash } from 'node:crypto'

import { addressField, addresses, dateField, idFields, subjectField } from './fields'
import { root } from './parts'
import { Random } from './random'

export interface Person {
  name: string | null
  address: string
}

export interface File {
  name: string
  type: string
  size: number
  hash: string
}

export interface Reading {
  subject: string | null
  from: Person[]
  to: Person[]
  cc: Person[]
  messageId: string | null
  inReplyTo: string | null
  references: string[]
  date: number | null
  text: string | null
  html: string | null
  attachments: File[]
}

export interface Sample {
  raw: Buffer
  features: string[]
  truth: Reading
}

/** What drawing a message has come to. */
export interface Draft {
  random: Random
  features: Set<string>
  head: Buffer[]
  /** Lines end as in a file on Unix. */
  lf: boolean
  /** What everything is written in, where the subject alone would not tell its charset. */
  only: { script: string; charset: string } | null
  truth: Reading
}

export function sample(seed: number): Sample {
  const random = new Random(seed * 2654435761)
  const truth: Reading = {
    subject: null,
    from: [],
    to: [],
    cc: [],
    messageId: null,
    inReplyTo: null,
    references: [],
    date: null,
    text: null,
    html: null,
    attachments: [],
  }
  const draft: Draft = { random, features: new Set(), head: [], lf: random.chance(0.3), only: null, truth }
  if (draft.lf) draft.features.add('line-feeds')
  truth.from = addressField(draft, 'From', 1)
  if (random.chance(0.95)) truth.to = addresses(draft, 'To')
  if (random.chance(0.3)) truth.cc = addresses(draft, 'Cc')
  subjectField(draft)
  dateField(draft)
  idFields(draft)
  draft.head.push(Buffer.from('MIME-Version: 1.0\r\n'))
  const part = root(draft)
  const whole = Buffer.concat([...shuffled(draft.head, random), part])
  return { raw: onWire(draft, whole), features: [...draft.features], truth }
}

/** Fields come in any order; trace fields first. */
function shuffled(fields: Buffer[], random: Random): Buffer[] {
  const all = [...fields]
  for (let n = all.length - 1; n > 0; n--) {
    const other = random.below(n + 1)
    ;[all[n], all[other]] = [all[other], all[n]]
  }
  const received = Buffer.from(
    'Received: from mx1.example.net (mx1.example.net [192.0.2.1])\r\n\tby mx2.example.net (Postfix) with ESMTPS id 4Z\r\n\tfor <bob@example.com>; Sat, 31 Jan 2026 12:00:01 +0000 (UTC)\r\n',
  )
  return random.chance(0.7) ? [received, ...all] : all
}

/** Octets that are not encoded have the message's line ends. */
export function onWire(draft: Draft, octets: Buffer): Buffer {
  return draft.lf ? Buffer.from(octets.toString('latin1').replace(/\r\n/g, '\n'), 'latin1') : octets
}

export function hash(octets: Buffer): string {
  return createHash('sha1').update(octets).digest('hex')
}
