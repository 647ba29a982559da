import { describe, expect, it } from 'vitest'
import { createStore, MailboxError } from '../mailbox/index.js'
import { decodeText, encodeText } from '../mailbox/mime/charset.js'
import { decodeWords } from '../mailbox/mime/words.js'
import { decodeUtf7, encodeUtf7 } from '../imap/utf7.js'
import { mail, simple } from './imap-support'

const USER = 'ann@contoso.example'

describe('accounts', () => {
  it('are made on first use, whatever the spelling', () => {
    const store = createStore()
    expect(store.has(USER)).toBe(false)
    const account = store.account('Ann@Contoso.example')
    expect(store.account(USER)).toBe(account)
    expect(store.accounts()).toEqual([account])
    expect(account.list().map(({ path }) => path)).toEqual([
      'INBOX',
      'Archive',
      'Deleted Items',
      'Drafts',
      'Junk Email',
      'Sent Items',
      'R&D',
      '請求書',
    ])
    expect(account.get('inbox')).toBe(account.get('INBOX'))
    expect(() => createStore({ layout: 'nonsense' }).account(USER)).toThrow(TypeError)
  })

  it('deliver by path and by special use, and tell who listens', () => {
    const account = createStore().account(USER)
    const heard: string[] = []
    const stop = account.onChange(
      ({ type, mailbox, messages }) => void heard.push(`${type} ${mailbox.path} ${messages.map(({ uid }) => uid)}`),
    )
    const message = account.deliver(simple('one'))
    account.deliver(new Uint8Array(simple('two')), { specialUse: '\\Sent', flags: ['\\seen'] })
    account.changeFlags(account.get('INBOX')!, [message], 'add', ['\\Flagged'])
    account.changeFlags(account.get('INBOX')!, [message], 'add', ['\\Flagged'])
    account.move(account.get('INBOX')!, [message], account.get('Archive')!)
    stop()
    account.deliver(simple('three'))
    expect(heard).toEqual([
      'added INBOX 1',
      'added Sent Items 1',
      'flags INBOX 1',
      'added Archive 1',
      'removed INBOX 1',
    ])
    expect([...account.get('Sent Items')!.messages[0].flags]).toEqual(['\\Seen'])
    expect(() => account.deliver(simple('x'), { mailbox: 'Nowhere' })).toThrow(MailboxError)
  })

  it('count MODSEQ and UIDs up, never down', () => {
    const account = createStore().account(USER)
    const inbox = account.get('INBOX')!
    const messages = [1, 2, 3].map((n) => account.deliver(simple(String(n))))
    expect(inbox).toMatchObject({ uidNext: 4, highestModseq: 4 })
    account.changeFlags(inbox, messages.slice(0, 2), 'set', ['Label', 'label', '\\Recent', '\\Nonsense'])
    expect(messages.map(({ modseq }) => modseq)).toEqual([5, 5, 4])
    expect([...messages[0].flags]).toEqual(['Label'])
    account.remove(inbox, messages)
    expect(inbox).toMatchObject({
      uidNext: 4,
      highestModseq: 6,
      expunged: [1, 2, 3].map((uid) => ({ uid, modseq: 6 })),
    })
  })

  it('know a conversation by its first Message-ID', () => {
    const account = createStore().account(USER)
    const [a, b, c] = [
      mail('Message-ID: <1@x>\n\n'),
      mail('Message-ID: <2@x>\nIn-Reply-To: <1@x>\nReferences: <1@x>\n\n'),
      mail('Message-ID: <3@x>\nReferences: <1@x>\n <2@x>\n\n'),
    ].map((raw) => account.deliver(raw).content)
    expect(new Set([a, b, c].map(({ threadId }) => threadId)).size).toBe(1)
    expect(new Set([a, b, c].map(({ gmailThread }) => gmailThread)).size).toBe(1)
    expect(new Set([a, b, c].map(({ emailId }) => emailId)).size).toBe(3)
  })
})

describe('text', () => {
  it.each(['iso-2022-jp', 'shift_jis', 'gb18030', 'gbk', 'big5', 'iso-8859-1', 'utf-8'])(
    '%s there and back',
    (charset) => {
      const text =
        { 'iso-8859-1': 'Grüße', big5: '測試 abc', gbk: '测试', gb18030: '测试' }[charset] ??
        'こんにちは、世界 abc 漢字'
      expect(decodeText(encodeText(text, charset), charset)).toBe(text)
    },
  )

  it('decodes encoded words as mailers mean them', () => {
    expect(decodeWords('=?utf-8?Q?a_b?= =?utf-8?B?w7w=?= c')).toBe('a bü c')
    expect(decodeWords('=?utf-8?Q?=C3?= =?utf-8?Q?=BC?=')).toBe('ü')
    expect(decodeWords('=?iso-2022-jp?B?GyRCJDMkcxsoQg==?=\t=?iso-2022-jp?B?GyRCJEsbKEI=?=')).toBe('こんに')
    expect(decodeWords('=?nonsense?Q?a=E9?=')).toBe('aé')
    expect(decodeWords('plain =?broken')).toBe('plain =?broken')
  })

  it.each([
    ['INBOX', 'INBOX'],
    ['R&D', 'R&-D'],
    ['請求書', '&istsQmb4-'],
    ['~peter/mail/台北/日本語', '~peter/mail/&U,BTFw-/&ZeVnLIqe-'],
    ['emoji 📬', 'emoji &2D3c7A-'],
    ['a&ü&b', 'a&-&APw-&-b'],
  ])('modified UTF-7: %s', (name, wire) => {
    expect(encodeUtf7(name)).toBe(wire)
    expect(decodeUtf7(wire)).toBe(name)
  })

  it.each(['&', '&abc', '&ü-', 'ü', '&Jjo!', '&AG-'])('no modified UTF-7: %s', (wire) => {
    expect(decodeUtf7(wire)).toBeNull()
  })
})
