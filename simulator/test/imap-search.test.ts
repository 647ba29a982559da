import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { mail, type Raw, startPlain } from './imap-support'

let world: Awaited<ReturnType<typeof startPlain>>
let client: Raw

const JAPANESE = '=?ISO-2022-JP?B?GyRCJDMkcxsoQg==?= =?ISO-2022-JP?B?GyRCJEskQSRPGyhC?='

beforeAll(async () => {
  world = await startPlain()
  const at = (day: string) => new Date(`2026-${day}T23:30:00Z`)
  const { account } = world
  account.deliver(
    mail(
      'From: Ann <ann@x.example>\nTo: bob@y.example\nSubject: First\nDate: Sun, 1 Nov 2026 23:30:00 -0800\n\nhello World\n',
    ),
    { internalDate: at('11-02'), flags: ['\\Seen', '$Work'] },
  )
  account.deliver(
    mail(
      `From: Kenji <k@x.example>\nCc: Carol <carol@z.example>\nSubject: ${JAPANESE}\nDate: Tue, 3 Nov 2026 10:00:00 +0900\n\nx\n`,
    ),
    { internalDate: at('11-03'), flags: ['\\Flagged', '\\Answered'] },
  )
  account.deliver(
    mail(
      'From: D <d@x.example>\nSubject: Third\nX-Tag: alpha\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: base64\n\n44GT44KT44Gr44Gh44Gv5LiW55WM\n',
    ),
    { internalDate: at('11-04'), flags: ['\\Draft'] },
  )
  account.deliver(
    mail(
      'From: E <e@x.example>\nBcc: secret@x.example\nSubject: Fourth\nX-Tag:\nContent-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/html; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n--b\nContent-Type: application/pdf\n\nhidden\n--b\nContent-Type: message/rfc822\n\nSubject: inner subject\n\ninner body\n--b--\n' +
        'y'.repeat(5000),
    ),
    { internalDate: at('11-05'), flags: ['\\Deleted'] },
  )
  client = await world.raw()
})
afterAll(() => world.stop())

const utf8 = (text: string) => Buffer.from(text, 'utf8').toString('latin1')

async function search(keys: string, ...literals: string[]): Promise<number[]> {
  const [line] = await client.ok(`SEARCH ${keys}`, ...literals)
  expect(line).toMatch(/^\* SEARCH/)
  return line.split(' ').slice(2).map(Number)
}

describe('keys', () => {
  it.each([
    ['ALL', [1, 2, 3, 4]],
    ['2:3', [2, 3]],
    ['*', [4]],
    ['9:12', []],
    ['UID 2,4', [2, 4]],
    ['UID 3:*', [3, 4]],
    ['SEEN', [1]],
    ['UNSEEN', [2, 3, 4]],
    ['ANSWERED', [2]],
    ['UNANSWERED', [1, 3, 4]],
    ['FLAGGED', [2]],
    ['UNFLAGGED', [1, 3, 4]],
    ['DELETED', [4]],
    ['UNDELETED', [1, 2, 3]],
    ['DRAFT', [3]],
    ['UNDRAFT', [1, 2, 4]],
    ['RECENT', [1, 2, 3, 4]],
    ['NEW', [2, 3, 4]],
    ['OLD', []],
    ['KEYWORD $work', [1]],
    ['UNKEYWORD $Work', [2, 3, 4]],
    ['KEYWORD unknown', []],
    ['BEFORE 3-Nov-2026', [1]],
    ['ON 03-Nov-2026', [2]],
    ['SINCE "4-Nov-2026"', [3, 4]],
    ['SENTON 1-Nov-2026', [1]],
    ['SENTBEFORE 3-Nov-2026', [1]],
    ['SENTSINCE 3-Nov-2026', [2]],
    ['LARGER 4000', [4]],
    ['SMALLER 4000', [1, 2, 3]],
    ['FROM ann', [1]],
    ['FROM x.EXAMPLE', [1, 2, 3, 4]],
    ['TO bob@y', [1]],
    ['CC carol', [2]],
    ['BCC secret', [4]],
    ['SUBJECT first', [1]],
    ['SUBJECT ""', [1, 2, 3, 4]],
    ['HEADER X-Tag alpha', [3]],
    ['HEADER X-Tag ""', [3, 4]],
    ['BODY WORLD', [1]],
    ['BODY first', []],
    ['TEXT first', [1]],
    ['BODY hidden', []],
    ['BODY "inner subject"', [4]],
    ['NOT SEEN', [2, 3, 4]],
    ['NOT NOT SEEN', [1]],
    ['OR SEEN FLAGGED', [1, 2]],
    ['OR (SEEN KEYWORD $Work) OR DRAFT DELETED', [1, 3, 4]],
    ['UNSEEN (NOT (FLAGGED) 2:4)', [3, 4]],
    ['FROM ann SUBJECT third', []],
    ['MODSEQ 1', [1, 2, 3, 4]],
    ['EMAILID M0000000002', [2]],
  ])('%s', async (keys, wanted) => {
    const [line] = await client.ok(`SEARCH ${keys}`)
    expect(line.replace(/ \(MODSEQ \d+\)$/, '')).toBe(['* SEARCH', ...wanted].join(' '))
  })

  it('reads encoded words split inside a word, in any charset', async () => {
    expect(await search(`CHARSET UTF-8 SUBJECT {15}`, utf8('こんにちは'))).toEqual([2])
    expect(await search(`CHARSET UTF-8 BODY {6}`, utf8('世界'))).toEqual([3])
    expect(await search(`CHARSET UTF-8 BODY {7+}\r\n${utf8('grüße')}`)).toEqual([4])
    expect(await search('CHARSET US-ASCII SUBJECT first')).toEqual([1])
  })

  it('refuses charsets it does not know', async () => {
    expect(await client.command('SEARCH CHARSET KOI8-R ALL')).toMatchObject({
      status: 'NO',
      text: expect.stringContaining('[BADCHARSET (US-ASCII UTF-8)]'),
    })
  })

  it.each([
    'SEARCH FOO',
    'SEARCH NOT',
    'SEARCH OR SEEN',
    'SEARCH (SEEN',
    'SEARCH ON yesterday',
    'SEARCH LARGER x',
    'SEARCH RETURN (NONSENSE) ALL',
    'SEARCH __proto__',
    'SEARCH toString',
  ])('%s is BAD', async (command) => {
    expect((await client.command(command)).status).toBe('BAD')
  })
})

describe('results', () => {
  it('come as UIDs for UID SEARCH', async () => {
    world.account.deliver(mail('Subject: temporary\n\n'), { mailbox: 'Drafts' })
    world.account.deliver(mail('Subject: stays\n\n'), { mailbox: 'Drafts' })
    const drafts = world.account.get('Drafts')!
    world.account.remove(drafts, [drafts.messages[0]])
    const other = await world.raw('login')
    await other.ok('SELECT Drafts')
    expect(await other.ok('UID SEARCH SUBJECT stays')).toEqual(['* SEARCH 2'])
    expect(await other.ok('SEARCH SUBJECT stays')).toEqual(['* SEARCH 1'])
  })

  it('come as ESEARCH when asked for (RFC 4731)', async () => {
    expect(await client.ok('SEARCH RETURN (MIN MAX COUNT ALL) UNSEEN')).toEqual([
      expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) MIN 2 MAX 4 ALL 2:4 COUNT 3$/),
    ])
    expect(await client.ok('UID SEARCH RETURN () OR SEEN DELETED')).toEqual([
      expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) UID ALL 1,4$/),
    ])
    expect(await client.ok('SEARCH RETURN (MIN COUNT) KEYWORD none')).toEqual([
      expect.stringMatching(/^\* ESEARCH \(TAG "t\d+"\) COUNT 0$/),
    ])
  })

  it('can be saved and used again (RFC 5182)', async () => {
    expect(await client.ok('SEARCH RETURN (SAVE) UNSEEN')).toEqual([])
    expect(await client.ok('FETCH $ UID')).toHaveLength(3)
    expect(await search('$ FLAGGED')).toEqual([2])
  })
})
