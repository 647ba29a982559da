/** The fields of a message's head, in the forms that senders give them. */

import { encode } from './charsets'
import { word, words } from './encoders'
import type { Draft, Person } from './messages'
import type { Random } from './random'
import { DOMAINS, SCRIPTS } from './words'

function line(draft: Draft, text: string | Buffer): void {
  draft.head.push(Buffer.concat([Buffer.from(text as string), Buffer.from('\r\n')]))
}

function script(random: Random) {
  const name = random.chance(0.3) ? 'english' : random.pick(Object.keys(SCRIPTS))
  return { name, ...SCRIPTS[name] }
}

const isAscii = (text: string) => !/[^\x20-\x7e]/.test(text)

export function subjectField(draft: Draft): void {
  const { random, features, truth } = draft
  if (random.chance(0.03)) {
    features.add('no-subject')
    return
  }
  const { name, charsets, subjects } = script(random)
  const subject = random.pick(subjects)
  const charset = random.pick(charsets.filter((c) => c !== 'us-ascii'))
  truth.subject = subject
  const forms = ['words', 'words', 'words', 'inside', 'glued', 'lower', 'raw-utf-8', 'raw-legacy', 'language', 'space']
  const form = isAscii(subject) ? random.pick(['plain', 'plain', 'folded', 'words']) : random.pick(forms)
  const kind = random.pick(['b', 'q'] as const)
  features.add(`subject:${form}`)
  switch (form) {
    case 'plain':
      return line(draft, `Subject: ${subject}`)
    case 'folded':
      return line(draft, `Subject:${random.pick([' ', '\r\n '])}${subject.replace(/ (?=\w)/, '\r\n ')}`)
    case 'inside':
      features.add(`subject:inside:${charset === 'utf-8' ? 'utf-8' : 'legacy'}`)
      if (charset === 'iso-2022-jp') features.add('subject:inside:iso-2022-jp')
      return line(draft, `Subject: ${words(subject, charset, kind, true).join('\r\n ')}`)
    case 'glued':
      truth.subject = `[${subject}]`
      return line(draft, `Subject: [${words(subject, charset, kind, false).join('\r\n ')}]`)
    case 'lower':
      return line(
        draft,
        `Subject: ${words(subject, charset.toUpperCase(), kind, false)
          .join(' ')
          .replace(/\?([BQ])\?/g, (_, c: string) => `?${c.toLowerCase()}?`)}`,
      )
    case 'language':
      return line(
        draft,
        `Subject: ${words(subject, charset, kind, false).join(' ').replaceAll(`=?${charset}?`, `=?${charset}*en?`)}`,
      )
    case 'space': {
      const spaced = word(encode(subject, charset), charset, 'q').replace(/(?<=\?Q\?.*)_/g, ' ')
      features.add(spaced.includes(' ') ? 'subject:space-inside' : 'subject:long-word')
      return line(draft, `Subject: ${spaced}`)
    }
    case 'raw-utf-8':
      return line(draft, `Subject: ${subject}`)
    case 'raw-legacy':
      draft.only = { script: name, charset }
      features.add(charset === 'utf-8' ? 'subject:raw-utf-8' : `subject:raw:${charset}`)
      return line(draft, Buffer.concat([Buffer.from('Subject: '), encode(subject, charset)]))
    default:
      return line(draft, `Subject: ${words(subject, charset, kind, false).join('\r\n ')}`)
  }
}

export function addresses(draft: Draft, field: string): Person[] {
  const { random, features } = draft
  if (random.chance(0.04)) {
    features.add('group:empty')
    line(draft, `${field}: undisclosed-recipients:;`)
    return []
  }
  return addressField(draft, field, random.between(1, 4))
}

export function addressField(draft: Draft, field: string, count: number): Person[] {
  const { random, features } = draft
  const people: Person[] = []
  const pieces: Buffer[] = []
  for (let n = 0; n < count; n++) {
    const { person, text } = mailbox(draft)
    people.push(person)
    pieces.push(text)
  }
  const separator = Buffer.from(random.pick([', ', ',', ',\r\n ', ' ,\r\n\t']))
  const list = Buffer.concat(pieces.flatMap((piece, n) => (n === 0 ? [piece] : [separator, piece])))
  if (count > 1 && random.chance(0.06)) {
    features.add('group')
    line(draft, Buffer.concat([Buffer.from(`${field}: Team: `), list, Buffer.from(';')]))
  } else {
    line(draft, Buffer.concat([Buffer.from(`${field}: `), list]))
  }
  return people
}

function mailbox(draft: Draft): { person: Person; text: Buffer } {
  const { random, features } = draft
  const local = random.pick(
    ['ada', 'bob.smith', 'sales+q3', 'o_brien', '"quoted local"', 'x-1', '李明'].slice(0, random.chance(0.02) ? 7 : 6),
  )
  if (local.startsWith('"')) features.add('address:quoted-local')
  if (!isAscii(local)) features.add('address:eai')
  const address = `${local}@${random.pick(DOMAINS)}`
  if (address.includes('xn--')) features.add('address:idn')
  const { charsets, names } = script(random)
  const name = random.pick(names)
  const charset = random.pick(charsets.filter((c) => c !== 'us-ascii'))
  const kind = random.pick(['b', 'q'] as const)
  const form = random.pick(
    isAscii(name)
      ? ['bare', 'angle', 'quoted', 'quoted', 'comment', 'words']
      : ['words', 'words', 'quoted-words', 'raw', 'none'],
  )
  features.add(`address:${form}`)
  const named = (text: string, shown: string | null = name) => ({
    person: { name: shown, address },
    text: Buffer.from(text),
  })
  switch (form) {
    case 'bare':
    case 'none':
      return named(address, null)
    case 'angle':
      return named(`<${address}>`, null)
    case 'comment':
      if (/[()]/.test(name)) return named(`<${address}>`, null)
      return named(`${address} (${name})`)
    case 'quoted':
      return named(`"${name}" <${address}>`)
    case 'raw':
      return named(name.includes(',') ? `"${name}" <${address}>` : `${name} <${address}>`)
    case 'quoted-words':
      return named(`"${words(name, charset, kind, false).join(' ')}" <${address}>`)
    default:
      if (/[,@()]/.test(name)) features.add('address:words:specials')
      return named(`${words(name, charset, kind, false).join(' ')} <${address}>`)
  }
}

export function dateField(draft: Draft): void {
  const { random, features, truth } = draft
  if (random.chance(0.03)) {
    features.add('no-date')
    return
  }
  const time = Date.UTC(
    random.between(1999, 2030),
    random.below(12),
    random.between(1, 28),
    random.below(24),
    random.below(60),
    random.below(60),
  )
  const hours = random.pick([-11, -8, -5, 0, 1, 2, 5, 8, 9, 12])
  const minutes = random.pick([0, 0, 0, 30])
  const offset = hours * 60 + Math.sign(hours || 1) * minutes
  const local = new Date(time + offset * 60_000)
  const [weekday, day, month, year, clock] = local.toUTCString().replace(',', '').split(' ')
  const zone = `${offset < 0 ? '-' : '+'}${two(Math.abs(hours))}${two(minutes)}`
  truth.date = time
  const forms: Record<string, () => string> = {
    plain: () => `${weekday}, ${day} ${month} ${year} ${clock} ${zone}`,
    comment: () => `${weekday}, ${Number(day)} ${month} ${year} ${clock} ${zone} (CEST)`,
    'no-weekday': () => `${Number(day)} ${month} ${year} ${clock} ${zone}`,
    'no-seconds': () => {
      truth.date = time - (time % 60_000)
      return `${weekday}, ${day} ${month} ${year} ${clock.slice(0, 5)} ${zone}`
    },
    gmt: () => `${new Date(time).toUTCString()}`,
    est: () => `${new Date(time - 5 * 3_600_000).toUTCString().replace('GMT', 'EST')}`,
    'two-digits': () => `${weekday}, ${day} ${month} ${year.slice(2)} ${clock} ${zone}`,
    folded: () => `${weekday},\r\n ${day} ${month} ${year}\r\n ${clock} ${zone}`,
    broken: () => {
      truth.date = null
      return random.pick(['yesterday', '', 'Thu, 99 Foo 2026 25:61:61 +0000'])
    },
  }
  const form = random.chance(0.6) ? 'plain' : random.pick(Object.keys(forms))
  features.add(`date:${form}`)
  line(draft, `Date: ${forms[form]()}`)
}

const two = (n: number) => String(n).padStart(2, '0')

function id(random: Random): string {
  const left = random.pick(['a', 'CAF', 'DB7PR04MB', 'tencent_', '1769860800.']) + random.below(1e9).toString(36)
  return `<${left}${random.pick(['', '+x=y', '$1'])}@${random.pick(DOMAINS)}>`
}

export function idFields(draft: Draft): void {
  const { random, features, truth } = draft
  if (random.chance(0.96)) {
    truth.messageId = id(random)
    const form = random.pick(['plain', 'plain', 'plain', 'folded', 'long'])
    if (form === 'long') truth.messageId = `<${'long-identifier.'.repeat(6)}${random.below(1e6)}@example.com>`
    features.add(`message-id:${form}`)
    line(draft, `Message-ID:${form === 'folded' || form === 'long' ? '\r\n ' : ' '}${truth.messageId}`)
  }
  if (random.chance(0.5)) return
  truth.inReplyTo = id(random)
  const answer = random.pick(['plain', 'plain', 'prose'])
  features.add(`in-reply-to:${answer}`)
  line(
    draft,
    answer === 'prose'
      ? `In-Reply-To: Message of Sat, 31 Jan 2026 ${truth.inReplyTo}`
      : `In-Reply-To: ${truth.inReplyTo}`,
  )
  if (random.chance(0.2)) return
  truth.references = Array.from({ length: random.between(1, 9) }, () => id(random))
  const form = random.pick(['folded', 'folded', 'blanks', 'glued', 'commas'])
  features.add(`references:${form}`)
  const separator = { folded: '\r\n ', blanks: ' ', glued: '', commas: ', ' }[form] as string
  line(draft, `References: ${truth.references.join(separator)}`)
}
