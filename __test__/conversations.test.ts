import { readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, test } from 'vitest'

import { parseMessage } from '../index'
import type { ParsedMessage } from '../index'

const guide = readFileSync(join(__dirname, '..', 'docs', 'conversations.md'), 'utf8')

/** The guide's own function. */
const conversationOf = new Function(`${/```js\n([\s\S]*?)```/.exec(guide)![1]}; return conversationOf`)() as (
  db: Tables,
  account: string,
  message: ParsedMessage,
) => Promise<number>

/** The two tables of the guide, and its five statements. */
class Tables {
  readonly mail: Array<{ label: string; conversation: number }> = []
  private readonly names = new Map<string, number>()
  private last = 0

  async nextId(): Promise<number> {
    return ++this.last
  }

  async query(sql: string, values: unknown[]): Promise<Array<{ conversation: number }>> {
    if (sql.startsWith('SELECT DISTINCT conversation FROM conversation_name')) {
      const found = (values[0] as string[]).flatMap((name) => this.names.get(name) ?? [])
      return [...new Set(found)].map((conversation) => ({ conversation }))
    }
    if (sql.startsWith('INSERT INTO conversation_name')) {
      const [name, conversation] = values as [string, number]
      if (!this.names.has(name)) this.names.set(name, conversation)
      return []
    }
    const [kept, merged] = values as [number, number[]]
    if (sql.startsWith('UPDATE mail')) {
      for (const row of this.mail) if (merged.includes(row.conversation)) row.conversation = kept
    } else if (sql.startsWith('UPDATE conversation_name')) {
      for (const [name, of] of this.names) if (merged.includes(of)) this.names.set(name, kept)
    } else {
      throw new Error(sql)
    }
    return []
  }
}

async function stored(messages: Record<string, string>, order: string[]): Promise<string[][]> {
  const db = new Tables()
  for (const label of order) {
    const message = await parseMessage(Buffer.from(`${messages[label]}\n\nbody`))
    const conversation = await conversationOf(db, 'ada', message)
    db.mail.push({ label, conversation })
  }
  const groups = new Map<number, string[]>()
  for (const { label, conversation } of db.mail) groups.set(conversation, [...(groups.get(conversation) ?? []), label])
  return [...groups.values()].map((group) => group.sort()).sort()
}

/** 22 octets of a conversation, and five of an answer. */
const INDEX = Buffer.alloc(22, 7).toString('base64')
const DEEPER = Buffer.alloc(27, 7).toString('base64')

const MESSAGES = {
  root: 'Message-ID: <root@x>\nSubject: Plan',
  answer: 'Message-ID: <a@y>\nIn-Reply-To: <root@x>\nReferences: <root@x>\nSubject: Re: Plan',
  // A client that cut the oldest identifiers off.
  cut: 'Message-ID: <c@z>\nIn-Reply-To: <b@x>\nReferences: <a@y> <b@x>\nSubject: AW: Plan',
  between: 'Message-ID: <b@x>\nIn-Reply-To: <a@y>\nReferences: <root@x> <a@y>\nSubject: 回复：Plan',
  // Gateways that took the identifiers away, or gave others: what is left is Outlook's index.
  filed: `Message-ID: <rewritten@x>\nThread-Index: ${INDEX}\nSubject: Plan`,
  indexed: `Message-ID: <root@x>\nThread-Index: ${INDEX}\nSubject: Plan`,
  bare: `Message-ID: <d@x>\nThread-Index: ${DEEPER}\nThread-Topic: Plan\nSubject: RE: Plan`,
  other: 'Message-ID: <other@x>\nSubject: Plan',
  otherAnswer: 'Message-ID: <oa@x>\nIn-Reply-To: <other@x>\nSubject: Re: Plan',
}

describe('the guide to conversations', () => {
  test('any order ends in the same conversations, a cut chain included', async () => {
    const labels = Object.keys(MESSAGES)
    const expected = [
      ['answer', 'bare', 'between', 'cut', 'filed', 'indexed', 'root'],
      ['other', 'otherAnswer'],
    ]
    for (let shift = 0; shift < labels.length; shift++) {
      const order = [...labels.slice(shift), ...labels.slice(0, shift)]
      expect(await stored(MESSAGES, order), order.join()).toEqual(expected)
      expect(await stored(MESSAGES, order.reverse()), order.join()).toEqual(expected)
    }
  })

  test('unrelated mails of the same short subject stay apart', async () => {
    const hello = { a: 'Message-ID: <1@x>\nSubject: Hello', b: 'Message-ID: <2@x>\nSubject: Re: Hello' }
    expect(await stored(hello, ['a', 'b'])).toEqual([['a'], ['b']])
  })
})
