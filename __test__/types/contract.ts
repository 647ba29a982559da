// Compiled, never run: index.d.ts must say what the contract says, under every supported compiler.

import {
  buildMessage,
  diagnose,
  discoverProvider,
  forward,
  google,
  ImapClient,
  MailError,
  microsoft,
  OAuthClient,
  OAuthProvider,
  parseMessage,
  replyTo,
  setLogger,
  SmtpClient,
  TokenSource,
} from '../../index'
import type {
  Address,
  Attachment,
  BodyPart,
  DiagnosisStep,
  Envelope,
  FetchedMessage,
  Identity,
  MailboxInfo,
  MailboxStatus,
  MailErrorCode,
  MessageInit,
  ParsedMessage,
  PendingAuthorization,
  SendResult,
  ServerAddress,
  SyncBatch,
  TokenSet,
} from '../../index'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
function same<_T extends true>(): void {}

export async function link(): Promise<void> {
  const provider: OAuthProvider = microsoft({
    clientId: 'id',
    clientSecret: 'secret',
    tenant: 'common',
    cloud: 'global',
  })
  same<Equal<typeof provider.imap, ServerAddress | null>>()
  // @ts-expect-error the secret is not readable
  provider.clientSecret
  // @ts-expect-error made by microsoft() and google() only
  new OAuthProvider()
  google({ clientId: 'id', clientSecret: 'secret' })
  const discovered = await discoverProvider({ issuer: 'https://id.example', clientId: 'id', scopes: [] })
  const client = new OAuthClient(discovered, { ca: ['pem'], proxy: null, connectTimeoutMs: 5000 })
  const pending: PendingAuthorization = client.authorizationUrl({
    redirectUri: 'https://a.example/cb',
    prompt: 'login',
  })
  // @ts-expect-error not a prompt of OIDC
  client.authorizationUrl({ redirectUri: 'https://a.example/cb', prompt: 'maybe' })
  const { tokens, identity } = await client.redeem('https://a.example/cb?code=1', pending, { timeoutMs: 1000 })
  same<Equal<typeof identity, Identity | null>>()
  const source: TokenSource = client.tokenSource({
    tokens,
    load: async () => null,
    save: async (next: TokenSet, previous: TokenSet) => void [next, previous],
  })
  const token: string = await source.accessToken({ signal: new AbortController().signal })
  await client.refresh(token, { scopes: ['https://graph.microsoft.com/User.Read'] })
}

export async function read(source: TokenSource): Promise<void> {
  const imap = await ImapClient.connect({
    host: 'outlook.office365.com',
    port: 993,
    tls: 'implicit',
    auth: { user: 'a@b.example', accessToken: source },
  })
  await ImapClient.connect({
    host: 'h',
    port: 993,
    tls: 'implicit',
    auth: { user: 'a', password: 'b' },
    // @ts-expect-error no switch turns verification off
    rejectUnauthorized: false,
  })
  const mailboxes: MailboxInfo[] = await imap.list({ status: true })
  const status: MailboxStatus = await imap.status('INBOX')
  void [mailboxes, status]
  for await (const message of imap.fetch('INBOX', { newest: 10 }, { message: { sanitizeHtml: true } })) {
    same<Equal<typeof message, FetchedMessage>>()
    const envelope: Envelope | null = message.envelope
    const structure: BodyPart | null = message.bodyStructure
    const headers: Record<string, string[]> | null = message.headers
    const parsed: ParsedMessage | null = message.message
    void [envelope, structure, headers, parsed]
  }
  for await (const page of imap.fetch('INBOX', '1:*', { flags: true }).pages(50))
    same<Equal<typeof page, FetchedMessage[]>>()
  for await (const chunk of imap.download('INBOX', 7, { part: '2', maxBytes: 1 })) same<Equal<typeof chunk, Buffer>>()
  for await (const batch of imap.sync('INBOX', null, {
    since: new Date(),
    order: 'newest-first',
    fetch: { size: true },
  })) {
    same<Equal<typeof batch, SyncBatch>>()
    const cursor: string = batch.cursor
    void cursor
  }
  const uids: number[] = await imap.search('INBOX', { or: [{ from: 'a' }, { not: { seen: true } }], since: new Date() })
  await imap.addFlags('INBOX', uids, ['\\Seen'], { uidValidity: 1 })
  await imap.logout()
  imap.close()
}

export async function send(original: ParsedMessage): Promise<void> {
  const smtp = await SmtpClient.connect({
    host: 'h',
    port: 587,
    tls: 'starttls',
    auth: { user: 'a', accessToken: async () => 't' },
  })
  const reply: MessageInit = replyTo(original, { from: 'a@b.example', all: true, text: 'Hi' })
  const from: string | Address = forward(original, { from: 'a@b.example', to: ['c@d.example'] }).from
  const result: SendResult = await smtp.send({ ...reply, from })
  for (const { address, error } of result.rejected) same<Equal<[typeof address, typeof error], [string, MailError]>>()
  await smtp.send({ envelope: { from: 'a', to: ['b'] }, raw: new Uint8Array() }, { dsn: { notify: ['failure'] } })
  for await (const { index, error } of smtp.sendMany([reply], { intervalMs: 100 })) void [index, error]
  await smtp.close()
}

export async function messages(): Promise<void> {
  const bytes: Buffer = await buildMessage({ from: 'a@b.example', attachments: [{ path: '/tmp/x' }] })
  const draft: Buffer = await buildMessage({ from: 'a@b.example', bcc: 'c@d.example' }, { keepBcc: true, timeoutMs: 1 })
  void draft
  const { attachments } = await parseMessage(bytes, { attachments: 'content', limits: { maxDepth: 10 } })
  const first: Attachment | undefined = attachments[0]
  void first
}

export async function setUp(provider: OAuthProvider, accessToken: TokenSource): Promise<void> {
  const { ok, steps } = await diagnose({ provider, auth: { user: 'a', accessToken }, ca: 'pem', timeoutMs: 5000 })
  const failed: DiagnosisStep | undefined = steps.find((step) => !step.ok)
  same<Equal<DiagnosisStep['error'], MailError | null>>()
  void [ok, failed?.advice]
}

export function errors(error: unknown): void {
  if (!(error instanceof MailError)) return
  const code: MailErrorCode = error.code
  const text: string = error.code
  switch (error.action) {
    case 'retry':
    case 'reauthorize':
    case 'ask-admin':
    case 'fix-config':
    case 'fix-input':
    case 'none':
      break
    default:
      same<Equal<typeof error.action, never>>()
  }
  // @ts-expect-error fields are read-only
  error.code = 'X'
  void [code, text]
}

setLogger(({ level, target, message, fields }) => void [level, target, message, fields])
setLogger(null)
