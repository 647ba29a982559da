// What an honest server with one mailbox of three messages answers.

export interface Command {
  tag: string
  /** In capitals, with `UID `. */
  name: string
  args: string
}

export const UIDS = [5, 6, 9]
export const VALIDITY = 77

export function mailOf(uid: number): string {
  return `From: ada@contoso.example\r\nSubject: Mail ${uid}\r\nMessage-ID: <${uid}@contoso.example>\r\n\r\nText ${uid}.\r\n`
}

const ADDRESS = '(("Ada" NIL "ada" "contoso.example"))'

export function answerOf({ tag, name, args }: Command, capabilities: { early: string; late: string }) {
  const ok = (text = '') => ({ text: `${text}${tag} OK done\r\n`, end: false })
  switch (name) {
    case 'CAPABILITY':
      return ok(`* CAPABILITY ${capabilities.early}\r\n`)
    case 'AUTHENTICATE':
    case 'LOGIN':
      return { text: `${tag} OK [CAPABILITY ${capabilities.late}] in\r\n`, end: false }
    case 'SELECT':
    case 'EXAMINE':
      return /^"?\S+"?$/.test(args) && args !== '""' ? ok(SELECTED) : { text: `${tag} NO none\r\n`, end: false }
    case 'STATUS': {
      const path = /^(".*?"|\S+)/.exec(args)?.[0]
      return ok(`* STATUS ${path} (MESSAGES 3 UNSEEN 1 UIDNEXT 10 UIDVALIDITY ${VALIDITY})\r\n`)
    }
    case 'LIST':
      return ok('* LIST (\\HasNoChildren) "/" "INBOX"\r\n* LIST (\\Sent) "/" "Sent"\r\n')
    case 'LSUB':
      return ok('* LSUB () "/" "INBOX"\r\n')
    case 'UID SEARCH': {
      const found = UIDS.filter((uid) => !/UID /.test(args) || has(/UID (\S+)/.exec(args)![1], uid))
      return ok(
        /RETURN/.test(args)
          ? `* ESEARCH (TAG "${tag}") UID${found.length ? ` ALL ${found.join(',')}` : ''}\r\n`
          : `* SEARCH ${found.join(' ')}\r\n`,
      )
    }
    case 'FETCH':
    case 'UID FETCH': {
      const [, set, items] = /^(\S+) ([\s\S]*)$/.exec(args) ?? ['', '', '']
      const rows = UIDS.map((uid, i) => ({ uid, seq: i + 1 })).filter(({ uid, seq }) =>
        has(set, name === 'FETCH' ? seq : uid),
      )
      return ok(rows.map(({ uid, seq }) => rowOf(seq, uid, items)).join(''))
    }
    case 'APPEND':
      return { text: `${tag} OK [APPENDUID ${VALIDITY} 10] done\r\n`, end: false }
    case 'UID COPY':
      return { text: `${tag} OK [COPYUID ${VALIDITY} 5 20] done\r\n`, end: false }
    case 'UID MOVE':
      return { text: `* OK [COPYUID ${VALIDITY} 5 20] moved\r\n* 1 EXPUNGE\r\n${tag} OK done\r\n`, end: false }
    case 'IDLE':
      return { text: '+ idling\r\n', end: false }
    case 'DONE':
      return { text: '', end: false }
    case 'LOGOUT':
      return { text: `* BYE bye\r\n${tag} OK done\r\n`, end: true }
    case 'ENABLE':
      return ok('* ENABLED\r\n')
    case 'ID':
      return ok('* ID NIL\r\n')
    case 'NAMESPACE':
      return ok('* NAMESPACE (("" "/")) NIL NIL\r\n')
    case 'NOOP':
    case 'CHECK':
    case 'UNSELECT':
    case 'CLOSE':
    case 'CREATE':
    case 'DELETE':
    case 'RENAME':
    case 'SUBSCRIBE':
    case 'UNSUBSCRIBE':
    case 'UID STORE':
    case 'UID EXPUNGE':
      return ok()
    default:
      return { text: `${tag} BAD unknown\r\n`, end: false }
  }
}

const SELECTED =
  '* FLAGS (\\Seen \\Flagged \\Deleted)\r\n* 3 EXISTS\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] ok\r\n' +
  `* OK [UIDVALIDITY ${VALIDITY}] ok\r\n* OK [UIDNEXT 10] ok\r\n`

/** A row with everything that is asked for. */
export function rowOf(seq: number, uid: number, items: string): string {
  const mail = mailOf(uid)
  const found = [`UID ${uid}`]
  if (/\bFLAGS/.test(items)) found.push('FLAGS (\\Seen)')
  if (/INTERNALDATE/.test(items)) found.push('INTERNALDATE "02-Nov-2026 09:30:00 +0000"')
  if (/RFC822\.SIZE/.test(items)) found.push(`RFC822.SIZE ${mail.length}`)
  if (/ENVELOPE/.test(items)) found.push(`ENVELOPE ${envelopeOf(uid)}`)
  if (/BODYSTRUCTURE/.test(items)) found.push(`BODYSTRUCTURE ${STRUCTURE}`)
  for (const [, section, from, octets] of items.matchAll(
    /(?:BODY|BINARY)(?:\.PEEK)?\[([^\]]*)\](?:<(\d+)\.(\d+)>)?/g,
  )) {
    const whole = sectionOf(mail, section)
    const bytes = from === undefined ? whole : whole.slice(Number(from), Number(from) + Number(octets))
    found.push(`BODY[${section}]${from === undefined ? '' : `<${from}>`} {${bytes.length}}\r\n${bytes}`)
  }
  return `* ${seq} FETCH (${found.join(' ')})\r\n`
}

export function envelopeOf(uid: number) {
  return `(NIL "Mail ${uid}" ${ADDRESS} ${ADDRESS} ${ADDRESS} NIL NIL NIL NIL "<${uid}@contoso.example>")`
}

export const STRUCTURE = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 9 1 NIL NIL NIL)'

function sectionOf(mail: string, section: string) {
  const end = mail.indexOf('\r\n\r\n') + 4
  if (section === '') return mail
  if (/^(TEXT|1)$/.test(section)) return mail.slice(end)
  return section.startsWith('HEADER') ? mail.slice(0, end) : ''
}

function has(set: string, number: number) {
  return set.split(',').some((range) => {
    const [from, to = from] = range.split(':').map((n) => (n === '*' ? 4294967295 : Number(n)))
    return number >= Math.min(from, to) && number <= Math.max(from, to)
  })
}
