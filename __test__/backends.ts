import { describe, inject } from 'vitest'

import { ImapClient, SmtpClient } from '../index'
import type { ImapOptions, ServerAddress, SmtpOptions } from '../index'

/** A pair of servers that the same suites run against. */
export interface Backend {
  name: string
  ca: string
  imap: ServerAddress
  imapStarttls: ServerAddress
  smtp: ServerAddress
  smtps: ServerAddress
  accounts: { user: string; name: string; password: string }[]
  tokens: Record<string, { valid: string; expired: string }>
  /** It takes passwords, and no access tokens. */
  passwords?: boolean
  /** Why the real servers cannot run here, or null. */
  skipped: string | null
  skippedSmtp: string | null
}

declare module 'vitest' {
  export interface ProvidedContext {
    backends: Backend[]
    /** IMAP only. */
    cyrus: Backend
    personalities: Backend[]
    /** Servers that differ in how they take mail, and in nothing else. */
    submissions: Backend[]
  }
}

/** The same suite on the simulator, Dovecot and Cyrus; where one is missing, its suite is skipped by name, with the reason. */
export function onImap(name: string, suite: (backend: Backend) => void): void {
  for (const backend of [...inject('backends'), inject('cyrus')]) onBackend(name, backend, backend.skipped, suite)
}

/** A suite for real servers: Dovecot and Cyrus. */
export function onReal(name: string, suite: (backend: Backend) => void): void {
  for (const backend of [inject('backends')[1], inject('cyrus')]) onBackend(name, backend, backend.skipped, suite)
}

/** The same on every IMAP server there is: also on the simulator in the manner of Exchange, Gmail and others. */
export function onEveryImap(name: string, suite: (backend: Backend) => void): void {
  onImap(name, suite)
  for (const backend of inject('personalities')) onBackend(name, backend, null, suite)
}

/** The same on servers that also send. */
export function onSmtp(name: string, suite: (backend: Backend) => void): void {
  for (const backend of [...inject('backends'), ...inject('submissions')]) {
    onBackend(name, backend, backend.skippedSmtp, suite)
  }
}

/** What a server does not have; everything else, every one has. */
export const lacks = {
  /** It keeps the flags of the RFC only. */
  keywords: (backend: Backend) => ['exchange', '163'].includes(backend.name),
  /** It searches in ASCII only. */
  unicodeSearch: (backend: Backend) => backend.name === 'exchange',
  /** It looks into a header beyond ASCII only as RFC 2047 writes it. */
  rawHeaderSearch: (backend: Backend) => backend.name === 'Cyrus',
}

/** The mailbox for drafts, whatever it is called there. */
export async function draftsOf(client: ImapClient): Promise<string> {
  const drafts = (await client.list()).find(({ specialUse }) => specialUse === 'drafts')
  if (drafts === undefined) throw new Error('no mailbox for drafts')
  return drafts.path
}

export function onBackend(name: string, backend: Backend, why: string | null, suite: (backend: Backend) => void): void {
  if (why === null) describe(`${name} on ${backend.name}`, () => suite(backend))
  else describe.skip(`${name} on ${backend.name} (${why})`, () => suite(backend))
}

export function account(backend: Backend, name: string) {
  const found = backend.accounts.find(({ user }) => user.startsWith(`${name}@`))
  if (found === undefined) throw new Error(`no account ${name} in setup.mjs`)
  return { ...found, token: backend.tokens[found.user].valid, expiredToken: backend.tokens[found.user].expired }
}

export function imapOptions(backend: Backend, name: string): ImapOptions {
  const { user, password, token } = account(backend, name)
  const auth = backend.passwords ? { user, password } : { user, accessToken: token }
  return { ...backend.imap, ca: backend.ca, auth }
}

export function smtpOptions(backend: Backend, name: string): SmtpOptions {
  const { user, token } = account(backend, name)
  return { ...backend.smtp, ca: backend.ca, auth: { user, accessToken: token } }
}

export function imap(backend: Backend, name: string, more: Partial<ImapOptions> = {}): Promise<ImapClient> {
  return ImapClient.connect({ ...imapOptions(backend, name), ...more })
}

export function smtp(backend: Backend, name: string, more: Partial<SmtpOptions> = {}): Promise<SmtpClient> {
  return SmtpClient.connect({ ...smtpOptions(backend, name), ...more })
}

/** A mail as small as mails get. */
export function mailOf(subject: string, body = 'Hello.', more: string[] = []): Buffer {
  const lines = [
    'From: Ada Example <ada@contoso.example>',
    'To: Ben Example <ben@contoso.example>',
    `Subject: ${subject}`,
    'Date: Mon, 02 Nov 2026 09:30:00 +0100',
    `Message-ID: <${subject.replace(/\W+/g, '-')}@contoso.example>`,
    ...more,
    '',
    body,
    '',
  ]
  return Buffer.from(lines.join('\r\n'))
}
