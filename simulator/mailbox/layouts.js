'use strict'

/*
 * The mailboxes a new account has, as each provider makes them (facts on the providers, and public transcripts).
 * `specialUse` is the attribute of RFC 6154.
 */

/**
 * @typedef {object} LayoutEntry
 * @property {string} path
 * @property {string} [specialUse]
 * @property {boolean} [selectable]
 * @property {boolean} [allMail] holds every message that is not in trash or junk (Gmail)
 */

/** Outlook's names, plus one name in Japanese and one with the `&` that modified UTF-7 has to escape. */
const outlook = [
  { path: 'INBOX' },
  { path: 'Archive', specialUse: '\\Archive' },
  { path: 'Deleted Items', specialUse: '\\Trash' },
  { path: 'Drafts', specialUse: '\\Drafts' },
  { path: 'Junk Email', specialUse: '\\Junk' },
  { path: 'Sent Items', specialUse: '\\Sent' },
  { path: 'R&D' },
  { path: '請求書' },
]

/** What Exchange Online lists: the above and the folders that hold no mail. */
const exchange = [
  ...outlook,
  ...['Calendar', 'Contacts', 'Conversation History', 'Journal', 'Notes', 'Outbox', 'Tasks'].map((path) => ({ path })),
]

/** Gmail: labels as mailboxes, and one mailbox with everything. */
const gmail = [
  { path: 'INBOX' },
  { path: '[Gmail]', selectable: false },
  { path: '[Gmail]/All Mail', specialUse: '\\All', allMail: true },
  { path: '[Gmail]/Drafts', specialUse: '\\Drafts' },
  { path: '[Gmail]/Important', specialUse: '\\Important' },
  { path: '[Gmail]/Sent Mail', specialUse: '\\Sent' },
  { path: '[Gmail]/Spam', specialUse: '\\Junk' },
  { path: '[Gmail]/Starred', specialUse: '\\Flagged' },
  { path: '[Gmail]/Trash', specialUse: '\\Trash' },
  { path: 'R&D' },
  { path: '請求書' },
]

/** Coremail as 163.com and 126.com run it. */
const netease = [
  { path: 'INBOX' },
  { path: '草稿箱', specialUse: '\\Drafts' },
  { path: '已发送', specialUse: '\\Sent' },
  { path: '已删除', specialUse: '\\Trash' },
  { path: '垃圾邮件', specialUse: '\\Junk' },
  { path: '病毒文件夹' },
  { path: '广告邮件' },
  { path: '订阅邮件' },
]

/** Tencent Exmail: user folders live under 其他文件夹 ("other folders"), which cannot be opened. */
const tencent = [
  { path: 'INBOX' },
  { path: 'Sent Messages', specialUse: '\\Sent' },
  { path: 'Drafts', specialUse: '\\Drafts' },
  { path: 'Deleted Messages', specialUse: '\\Trash' },
  { path: 'Junk', specialUse: '\\Junk' },
  { path: '其他文件夹', selectable: false },
  { path: '其他文件夹/项目' },
]

/** @type {Record<string, LayoutEntry[]>} */
const layouts = { outlook, exchange, gmail, netease, tencent }

module.exports = { layouts }
