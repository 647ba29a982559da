// The mails of a benchmark mailbox.

import { createRequire } from 'node:module'

const { makeMails } = createRequire(import.meta.url)('@nocobase/email-native-simulator/mailbox')

/** `mails`: an office's mailbox, 40 KB on average. `small`: a kilobyte each, for mailboxes of hundred thousands. `empty`: none. */
export function mailsOf(kind, count, seed = 0) {
  if (kind === 'mails') return makeMails({ count, seed: seed + 1 })
  if (kind === 'small') return smallMails(count)
  return attachments(kind, count)
}

const START = Date.UTC(2026, 0, 5, 8)
const PEOPLE = ['Ada Example', 'Ben Beispiel', 'Chloé Exemple', '李 例', 'Дана Пример']
const FLAGS = [['\\Seen'], [], ['\\Seen', '\\Answered'], ['\\Seen', '\\Flagged'], ['\\Seen', 'project']]

function* smallMails(count) {
  for (let i = 0; i < count; i++) {
    const internalDate = new Date(START + i * 60_000)
    const name = PEOPLE[i % PEOPLE.length]
    const lines = [
      `From: ${word(name)} <person${i % 997}@contoso.example>`,
      `To: ${word(PEOPLE[(i + 1) % PEOPLE.length])} <team${i % 13}@contoso.example>, other@fabrikam.example`,
      ...(i % 3 === 0 ? [`Cc: ${word(name)} <copy${i % 31}@contoso.example>`] : []),
      `Subject: ${i % 4 === 0 ? 'Re: ' : ''}${word(`Report ${i} for ${name}`)}`,
      `Date: ${internalDate.toUTCString().replace('GMT', '+0000')}`,
      `Message-ID: <${i}.bench@contoso.example>`,
      ...(i % 4 === 0 ? [`In-Reply-To: <${i - 1}.bench@contoso.example>`] : []),
      'MIME-Version: 1.0',
      `Content-Type: multipart/alternative; boundary="b${i}"`,
      '',
      `--b${i}`,
      'Content-Type: text/plain; charset=utf-8',
      '',
      `Figures of day ${i}, as every day.`,
      `--b${i}`,
      'Content-Type: text/html; charset=utf-8',
      '',
      `<p>Figures of day <b>${i}</b>, as every day.</p>`,
      `--b${i}--`,
      '',
    ]
    yield { raw: Buffer.from(lines.join('\r\n')), flags: FLAGS[i % FLAGS.length], internalDate }
  }
}

/** RFC 2047 where it is needed. */
function word(text) {
  return /^[\x20-\x7e]*$/.test(text) ? text : `=?utf-8?B?${Buffer.from(text).toString('base64')}?=`
}

/** `attachment-8`: one part of 8 MB in base64. */
function* attachments(kind, count) {
  const [, megabytes] = /^attachment-(\d+)$/.exec(kind) ?? []
  if (megabytes === undefined) return
  const line = `${Buffer.alloc(57, 'attachment ').toString('base64')}\r\n`
  const head = [
    'From: ada@contoso.example',
    'Subject: A large part',
    'MIME-Version: 1.0',
    'Content-Type: multipart/mixed; boundary=b',
    '',
    '--b',
    'Content-Type: text/plain',
    '',
    'See the attachment.',
    '--b',
    'Content-Type: application/octet-stream; name=large.bin',
    'Content-Transfer-Encoding: base64',
    'Content-Disposition: attachment; filename=large.bin',
    '',
    '',
  ].join('\r\n')
  const lines = Math.ceil((Number(megabytes) * 1e6) / line.length)
  const raw = Buffer.from(`${head}${line.repeat(lines)}--b--\r\n`)
  for (let i = 0; i < count; i++) yield { raw, flags: [], internalDate: new Date(START) }
}
