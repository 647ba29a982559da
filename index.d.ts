/**
 * `@nocobase/email-native`: OAuth 2.0, IMAP and SMTP for NocoBase's mail plugin. Type-checks under TypeScript 5.1 with
 * `moduleResolution: node` and `strict`.
 *
 * Rules behind it: every call that does I/O returns a promise or an async iterable and takes `signal` and `timeoutMs`;
 * everything that has to be stored (tokens, pending authorizations) is plain JSON; no event emitter; all
 * message numbers are UIDs and every mailbox call names its mailbox, so no hidden "selected" state; `null` means
 * "not there", a rejection means failure, never `false`; units are in names (`timeoutMs`, `maxBytes`); 64-bit values
 * that JSON cannot hold are strings (MODSEQ).
 *
 * Where a signature leaves it open: wrong JavaScript types and unusable values give a `MailError` of category `argument`
 * (thrown by synchronous functions, a rejection everywhere else), before any byte is sent. A call after `close` rejects
 * with code `CLOSED`. A lost connection is reopened by the next call; `closed` becomes true only by `close`, `logout` or
 * a refused login. Every call sees the mailbox as the server has it at that moment. Message-IDs keep their angle brackets,
 * as in nodemailer and imapflow; input takes them with or without. Objects keyed by foreign names (headers, parameters)
 * have lower-case keys and a null prototype. Media types are lower case `type/subtype`.
 */

// ───────────────────────────── common

export interface CallOptions {
  /** Aborting rejects with `MailError` code `ABORTED`; the client stays usable. */
  signal?: AbortSignal
  /** Whole-call deadline. Each protocol has a sane default; `0` is refused. */
  timeoutMs?: number
}

export interface ConnectOptions {
  /** PEM certificates trusted beside the system's (company CAs, tests). There is no switch that turns verification off. */
  ca?: string | string[]
  /** `http://user:pass@host:port` (CONNECT) or `socks5://user:pass@host:port`. Default: `HTTPS_PROXY`/`ALL_PROXY`, `NO_PROXY` honoured. */
  proxy?: string | null
  /** From the start of connecting to the server's greeting. Default: 20 s to the end of the TLS handshake, and each call's deadline. */
  connectTimeoutMs?: number
}

export interface ServerAddress {
  host: string
  port: number
  /** `implicit` = TLS from the first byte, `starttls` = upgrade or fail (never continue in clear), `none` = loopback and tests only. */
  tls: 'implicit' | 'starttls' | 'none'
}

/** One stable table, listed in the README with a sentence and an action each. Codes may be added: keep a default case. */
export type MailErrorCode =
  // generated: error codes
  | 'INVALID_ARGUMENT'
  | 'INVALID_UID_SET'
  | 'INVALID_MAILBOX_NAME'
  | 'INVALID_CURSOR'
  | 'INVALID_ADDRESS'
  | 'NO_RECIPIENTS'
  | 'FILE_UNREADABLE'
  | 'CLOSED'
  | 'ABORTED'
  | 'TIMEOUT'
  | 'CONNECT_TIMEOUT'
  | 'HOST_NOT_FOUND'
  | 'DNS_FAILED'
  | 'CONNECTION_REFUSED'
  | 'HOST_UNREACHABLE'
  | 'CONNECTION_LOST'
  | 'PROXY_FAILED'
  | 'CERTIFICATE_UNTRUSTED'
  | 'CERTIFICATE_EXPIRED'
  | 'CERTIFICATE_HOST_MISMATCH'
  | 'TLS_FAILED'
  | 'STARTTLS_UNAVAILABLE'
  | 'STARTTLS_INJECTION'
  | 'AUTHENTICATION_FAILED'
  | 'TOKEN_REFUSED'
  | 'MECHANISM_UNAVAILABLE'
  | 'INVALID_GRANT'
  | 'INTERACTION_REQUIRED'
  | 'AUTHORIZATION_DENIED'
  | 'AUTHORIZATION_MISMATCH'
  | 'ID_TOKEN_INVALID'
  | 'AUTHORIZATION_PENDING'
  | 'DEVICE_CODE_EXPIRED'
  | 'CLIENT_REJECTED'
  | 'INVALID_SCOPE'
  | 'OAUTH_CONFIG'
  | 'ADMIN_CONSENT_REQUIRED'
  | 'BLOCKED_BY_POLICY'
  | 'ACCESS_DENIED'
  | 'MAILBOX_UNAVAILABLE'
  | 'SMTP_AUTH_DISABLED'
  | 'SENDER_DENIED'
  | 'RATE_LIMITED'
  | 'QUOTA_EXCEEDED'
  | 'MAILBOX_NOT_FOUND'
  | 'MAILBOX_EXISTS'
  | 'MESSAGE_NOT_FOUND'
  | 'PART_NOT_FOUND'
  | 'UIDVALIDITY_CHANGED'
  | 'COMMAND_REJECTED'
  | 'SERVER_UNAVAILABLE'
  | 'CAPABILITY_MISSING'
  | 'RECIPIENT_REJECTED'
  | 'MESSAGE_REJECTED'
  | 'MESSAGE_TOO_LARGE'
  | 'PROTOCOL_VIOLATION'
  | 'UNEXPECTED_RESPONSE'
  | 'INCOMPLETE_MESSAGE'
  | 'CALLBACK_FAILED'
  | 'LIMIT_EXCEEDED'
  | 'INTERNAL'
  // end of generated
  | (string & {})

export declare class MailError extends Error {
  readonly name: 'MailError'
  readonly code: MailErrorCode
  readonly category:
    | 'argument'
    | 'network'
    | 'timeout'
    | 'tls'
    | 'auth'
    | 'permission'
    | 'rate-limit'
    | 'quota'
    | 'not-found'
    | 'rejected'
    | 'protocol'
    | 'limit'
    | 'aborted'
    | 'internal'
  /** Who has to act for the same call to succeed. */
  readonly action: 'retry' | 'reauthorize' | 'ask-admin' | 'fix-config' | 'fix-input' | 'none'
  readonly protocol: 'oauth' | 'imap' | 'smtp' | 'mime' | null
  /** How much is affected. */
  readonly scope: 'account' | 'mailbox' | 'message' | 'call'
  /** The same call may succeed later, unchanged. */
  readonly retryable: boolean
  /**
   * The server's own wish (Retry-After, Suggested Backoff Time) or null. One of at most two seconds by the token endpoint (429,
   * 503) is waited out inside the call, once and if `timeoutMs` allows.
   */
  readonly retryAfterMs: number | null
  /** What the server said, with secrets removed. */
  readonly server: {
    status: string
    text: string
    /** IMAP response code (`AUTHENTICATIONFAILED`), SMTP enhanced status (`5.7.139`), OAuth `error`. */
    code: string | null
    /** AADSTS numbers, suberror, claims, trace and correlation id of an OAuth error. */
    details: Record<string, unknown> | null
  } | null
  /** SMTP only: whether the server may have taken the message. */
  readonly delivery: 'not-sent' | 'unknown' | null
}

// ───────────────────────────── OAuth 2.0

/** Made by `microsoft`, `google`, `discoverProvider`. The secret stays in native memory: no property, JSON or inspect shows it. */
export declare class OAuthProvider {
  private constructor()
  readonly name: string
  readonly clientId: string
  readonly authorizationEndpoint: string
  readonly tokenEndpoint: string
  readonly deviceAuthorizationEndpoint: string | null
  readonly revocationEndpoint: string | null
  readonly jwksUri: string | null
  readonly issuer: string | null
  readonly scopes: string[]
  readonly imap: ServerAddress | null
  readonly smtp: ServerAddress | null
}

export interface ClientCertificate {
  /** PEM private key (RSA) and PEM certificate: signs a PS256 client assertion with `x5t#S256`. */
  privateKey: string
  certificate: string
}

/** Microsoft Entra ID, v2.0 endpoints. */
export declare function microsoft(options: {
  clientId: string
  clientSecret?: string
  clientCertificate?: ClientCertificate
  /** `common` (default), `organizations`, `consumers`, a tenant id or a domain. */
  tenant?: string
  cloud?: 'global' | 'usgov' | 'usgov-dod' | 'china'
  /** Default: `openid profile email offline_access` + Outlook `IMAP.AccessAsUser.All` and `SMTP.Send`; consent also asks Graph `User.Read`. */
  scopes?: string[]
  /** Other hosts, for tests and proxies. */
  endpoints?: Partial<ProviderEndpoints>
}): OAuthProvider

export declare function google(options: {
  clientId: string
  clientSecret: string
  scopes?: string[]
  endpoints?: Partial<ProviderEndpoints>
}): OAuthProvider

/** `https:` only, without exception. */
export interface ProviderEndpoints {
  authorizationEndpoint: string
  tokenEndpoint: string
  deviceAuthorizationEndpoint: string
  revocationEndpoint: string
  jwksUri: string
  /** May hold `{tenantid}`, as Microsoft's common metadata does: filled from the token's `tid`. */
  issuer: string
  /** The full URL of Graph `/me` or of OIDC userinfo. */
  profileEndpoint: string
  imap: ServerAddress
  smtp: ServerAddress
}

/**
 * Any OpenID Connect provider, read from its `/.well-known/openid-configuration`. A document that is not there or not this
 * issuer's is `OAUTH_CONFIG`; a page or a redirect in its place is `UNEXPECTED_RESPONSE`, as at every other endpoint.
 */
export declare function discoverProvider(
  options: {
    issuer: string
    clientId: string
    clientSecret?: string
    scopes: string[]
    imap?: ServerAddress
    smtp?: ServerAddress
  } & ConnectOptions &
    CallOptions,
): Promise<OAuthProvider>

/** Everything that must be kept, server side, between the redirect and the callback. */
export interface PendingAuthorization {
  url: string
  state: string
  codeVerifier: string
  nonce: string
  redirectUri: string
  createdAt: string
}

export interface TokenSet {
  accessToken: string
  /** Already the rotated one; null when the provider sent none. */
  refreshToken: string | null
  idToken: string | null
  tokenType: 'Bearer'
  scopes: string[]
  /** ISO 8601, UTC. */
  expiresAt: string
  obtainedAt: string
}

export interface Identity {
  /** Stable, never reused: Microsoft `tid:oid` (GUIDs in lower case), else `iss#sub`. The only field to key an account on. */
  key: string
  issuer: string
  subject: string
  tenantId: string | null
  /** For display and for the XOAUTH2 `user`; never for authorization. */
  email: string | null
  emailVerified: boolean
  name: string | null
}

export declare class OAuthClient {
  constructor(provider: OAuthProvider, options?: ConnectOptions)
  readonly provider: OAuthProvider
  /** PKCE S256, state and nonce are always made. */
  authorizationUrl(options: {
    redirectUri: string
    loginHint?: string
    prompt?: 'none' | 'login' | 'consent' | 'select_account'
    extra?: Record<string, string>
  }): PendingAuthorization
  /** The Entra admin-consent page for the same permissions. */
  adminConsentUrl(options: { redirectUri: string; state?: string }): string
  /** Checks state, issuer and that the callback's origin and path are the redirect URI's; redeems the code for the mail resource, validates the id_token. */
  redeem(
    callbackUrl: string,
    pending: PendingAuthorization,
    options?: CallOptions,
  ): Promise<{ tokens: TokenSet; identity: Identity | null }>
  /** `scopes` of another resource are allowed: one refresh token, many resources. */
  refresh(refreshToken: string, options?: { scopes?: string[] } & CallOptions): Promise<TokenSet>
  /** App-only access (`IMAP.AccessAsApp`, `SMTP.SendAsApp`). */
  clientCredentials(options?: { scopes?: string[] } & CallOptions): Promise<TokenSet>
  startDeviceAuthorization(options?: CallOptions): Promise<DeviceAuthorization>
  pollDeviceAuthorization(
    device: DeviceAuthorization,
    options?: CallOptions,
  ): Promise<{ tokens: TokenSet; identity: Identity | null }>
  /** Graph `/me` through `User.Read` (or OIDC userinfo): name and addresses of the signed-in user. */
  profile(refreshToken: string, options?: CallOptions): Promise<{ profile: Profile; tokens: TokenSet }>
  revoke(token: string, options?: CallOptions): Promise<void>
  /**
   * One live token for many clients: refreshes early and once, hands every rotation to `save` before it is used. When `load` or
   * `save` fails with a `MailError` the call that needed it fails with the same fields, else with `CALLBACK_FAILED`. Microsoft's
   * app-only tokens (scope `…/.default`, neither refresh token nor id_token) are renewed by the app's credentials.
   */
  tokenSource(options: {
    tokens: TokenSet
    /** Read what another process stored; called before a refresh is declared dead. */
    load?: () => Promise<TokenSet | null>
    save?: (next: TokenSet, previous: TokenSet) => Promise<void>
  }): TokenSource
}

export interface Profile {
  id: string
  displayName: string | null
  mail: string | null
  userPrincipalName: string | null
  aliases: string[]
}
export interface DeviceAuthorization {
  deviceCode: string
  userCode: string
  verificationUri: string
  verificationUriComplete: string | null
  expiresAt: string
  intervalMs: number
}

export declare class TokenSource {
  current(): TokenSet
  accessToken(options?: CallOptions): Promise<string>
}

/** What goes into every client's `auth`. A `MailError` that the function throws keeps its fields; anything else is `CALLBACK_FAILED`. */
export type MailAuth =
  { user: string; accessToken: string | TokenSource | (() => Promise<string>) } | { user: string; password: string }

// ───────────────────────────── IMAP

export interface ImapOptions extends ServerAddress, ConnectOptions {
  auth: MailAuth
  /** Sent with ID (RFC 2971) after login; several providers refuse SELECT without it. */
  clientId?: Record<string, string>
  /** Connections this client may hold at once. Default 1: `watch` idles on it and steps aside for other calls; 2 gives the watcher its own. */
  maxConnections?: number
  limits?: { maxLineBytes?: number; maxLiteralBytes?: number; maxNesting?: number }
  /** COMPRESS=DEFLATE (RFC 4978). Default: on networks, once a connection has brought something and slowly; `true` = from login on, `false` = never. */
  compress?: boolean
}

export type SpecialUse = 'inbox' | 'sent' | 'drafts' | 'trash' | 'junk' | 'archive' | 'all' | 'flagged' | 'important'

export interface MailboxInfo {
  /** Decoded, Unicode: the name to pass back. */
  path: string
  name: string
  delimiter: string | null
  parent: string | null
  attributes: string[]
  /** From SPECIAL-USE/XLIST attributes, else from well-known names in the common languages. */
  specialUse: SpecialUse | null
  selectable: boolean
  subscribed: boolean
  status: MailboxStatus | null
}
export interface MailboxStatus {
  messages: number
  unseen: number
  uidNext: number
  uidValidity: number
  highestModSeq: string | null
  size: number | null
}

/** `7`, `[1, 2, 9]`, `'1:*'`, `'3,5:10'`, or the newest n messages. */
export type UidSet = number | number[] | string | { newest: number }

export interface FetchQuery {
  flags?: boolean
  internalDate?: boolean
  size?: boolean
  envelope?: boolean
  bodyStructure?: boolean
  /** true = all, or the names wanted. */
  headers?: boolean | string[]
  /** The raw message. */
  source?: boolean
  /** Parsed natively; the raw bytes never reach JavaScript. */
  message?: boolean | ParseOptions
}

export interface Address {
  name: string | null
  address: string
  group?: string
}
export interface Envelope {
  date: Date | null
  subject: string | null
  messageId: string | null
  inReplyTo: string | null
  from: Address[]
  sender: Address[]
  replyTo: Address[]
  to: Address[]
  cc: Address[]
  bcc: Address[]
}
export interface BodyPart {
  /** `1.2`; what `download` takes. */
  part: string
  type: string
  parameters: Record<string, string>
  encoding: string
  size: number
  disposition: string | null
  filename: string | null
  contentId: string | null
  children: BodyPart[]
}
export interface FetchedMessage {
  uid: number
  flags: string[] | null
  internalDate: Date | null
  size: number | null
  modSeq: string | null
  /** Provider ids where offered: OBJECTID or X-GM-MSGID / X-GM-THRID, and Gmail labels. */
  emailId: string | null
  threadId: string | null
  labels: string[] | null
  envelope: Envelope | null
  bodyStructure: BodyPart | null
  headers: Record<string, string[]> | null
  source: Buffer | null
  message: ParsedMessage | null
  /** Not null when the server gave less or worse than was asked (stub body, empty FETCH, broken structure). */
  degraded: { code: MailErrorCode; reason: string } | null
}

export interface SearchQuery {
  all?: boolean
  uid?: UidSet
  since?: Date
  before?: Date
  sentSince?: Date
  sentBefore?: Date
  from?: string
  to?: string
  cc?: string
  bcc?: string
  subject?: string
  body?: string
  text?: string
  header?: Record<string, string | true>
  seen?: boolean
  answered?: boolean
  flagged?: boolean
  draft?: boolean
  deleted?: boolean
  keyword?: string
  largerThan?: number
  smallerThan?: number
  modSeq?: string
  gmailRaw?: string
  or?: SearchQuery[]
  not?: SearchQuery
}

export interface UidMapping {
  uidValidity: number | null
  uids: Array<{ from: number; to: number }> | null
}

export interface SyncOptions extends CallOptions {
  /** First sync only: how far back. */
  since?: Date
  /** What of each new message. Default: flags, internalDate, size, envelope. Flags come in any case. */
  fetch?: FetchQuery
  /** Messages per batch. Default 100. */
  batchSize?: number
  /** Default `newest-first`: what the user looks at is there first. */
  order?: 'newest-first' | 'oldest-first'
}

/**
 * One step: apply it and store its cursor in the same transaction. A message is in at most one of the three lists.
 *
 * A sync gives at least one batch. When nothing has changed it is empty, and its cursor is the very one that was passed.
 */
export interface SyncBatch {
  /** The mailbox was rebuilt on the server (UIDVALIDITY): drop what is stored before applying this batch. */
  reset: boolean
  added: FetchedMessage[]
  flags: Array<{ uid: number; flags: string[]; modSeq: string | null }>
  vanished: number[]
  /** Opaque, JSON-safe, at most ~64 KB for 100,000 messages. Store it in the same transaction as the batch: resuming from it loses and repeats nothing. */
  cursor: string
  progress: { done: number; total: number }
}

export interface MailboxEvent {
  path: string
  type: 'changed' | 'reconnected'
}

/** Async iterable; leaving the loop stops the work. `pages` yields arrays, cheaper for large sets. */
export interface MessageStream extends AsyncIterableIterator<FetchedMessage> {
  pages(size?: number): AsyncIterableIterator<FetchedMessage[]>
}

export declare class ImapClient {
  static connect(options: ImapOptions & CallOptions): Promise<ImapClient>
  readonly capabilities: string[]
  readonly closed: boolean
  list(options?: { pattern?: string; subscribed?: boolean; status?: boolean } & CallOptions): Promise<MailboxInfo[]>
  status(path: string, options?: CallOptions): Promise<MailboxStatus>
  create(path: string, options?: { specialUse?: SpecialUse } & CallOptions): Promise<void>
  rename(from: string, to: string, options?: CallOptions): Promise<void>
  deleteMailbox(path: string, options?: CallOptions): Promise<void>

  search(path: string, query: SearchQuery, options?: MailboxCallOptions): Promise<number[]>
  /** Any other call may be awaited inside the loop. */
  fetch(path: string, uids: UidSet, query: FetchQuery, options?: MailboxCallOptions): MessageStream
  fetchOne(path: string, uid: number, query: FetchQuery, options?: MailboxCallOptions): Promise<FetchedMessage | null>
  /** One part, or the whole message: decoded by default (`decode: false` = as on the wire), streamed, memory bounded. `not-found` when there is none; beyond `maxBytes` it rejects with category `limit`. */
  download(
    path: string,
    uid: number,
    options?: { part?: string; decode?: boolean; maxBytes?: number } & MailboxCallOptions,
  ): AsyncIterableIterator<Buffer>
  /**
   * What has changed in a mailbox since `cursor`, in batches; everything when it is null. The cheapest way the server has
   * is used: QRESYNC, CONDSTORE, or a comparison of UIDs and flags. A cursor that is broken or of another mailbox rejects
   * with `INVALID_CURSOR`.
   */
  sync(path: string, cursor: string | null, options?: SyncOptions): AsyncIterableIterator<SyncBatch>
  /** IDLE where there is one, else NOOP polling; reconnects by itself and says so. Ends by `close` or leaving the loop; `signal` rejects with `ABORTED`. */
  watch(path: string, options?: CallOptions): AsyncIterableIterator<MailboxEvent>

  addFlags(path: string, uids: UidSet, flags: string[], options?: MailboxCallOptions): Promise<void>
  removeFlags(path: string, uids: UidSet, flags: string[], options?: MailboxCallOptions): Promise<void>
  setFlags(path: string, uids: UidSet, flags: string[], options?: MailboxCallOptions): Promise<void>
  /** Of more messages than one command can name some may be copied when it fails: the message says up to which UID, and it is not `retryable`. */
  copy(path: string, uids: UidSet, destination: string, options?: MailboxCallOptions): Promise<UidMapping>
  /**
   * MOVE, else COPY + \Deleted + UID EXPUNGE; never expunges another client's messages. Where the originals remain behind their
   * copies, the message says so and it is not `retryable`.
   */
  move(path: string, uids: UidSet, destination: string, options?: MailboxCallOptions): Promise<UidMapping>
  /** Permanently, just these: without UIDPLUS it rejects rather than expunge what others marked. */
  delete(path: string, uids: UidSet, options?: MailboxCallOptions): Promise<void>
  append(
    path: string,
    message: Uint8Array,
    options?: { flags?: string[]; internalDate?: Date } & CallOptions,
  ): Promise<{ uid: number | null; uidValidity: number | null }>
  /**
   * Stores the new version, then removes the old one: a draft is never lost. Where the old one remains beside it, the message says so
   * and it is not `retryable`.
   */
  replace(
    path: string,
    uid: number,
    message: Uint8Array,
    options?: { flags?: string[] } & MailboxCallOptions,
  ): Promise<{ uid: number | null; uidValidity: number | null }>

  /** Ends politely; idempotent; settles every pending call. */
  logout(options?: CallOptions): Promise<void>
  /** At once; idempotent. */
  close(): void
}
/**
 * With `uidValidity` a call on stale UIDs rejects with `UIDVALIDITY_CHANGED` instead of touching other messages. The null that
 * `append`, `copy` and `move` give where the server has none is refused: nothing could be checked against it.
 */
export interface MailboxCallOptions extends CallOptions {
  uidValidity?: number
}

// ───────────────────────────── messages

export interface ParseOptions {
  /** `metadata` (default), or `content` to get the decoded bytes too. */
  attachments?: 'metadata' | 'content'
  /** Also give `safeHtml`: sanitised, remote content blocked, `cid:` images resolved as asked. */
  sanitizeHtml?: boolean | { remoteImages?: 'block' | 'keep'; cid?: 'keep' | 'data-uri' }
  limits?: { maxDepth?: number; maxParts?: number; maxHeaderBytes?: number }
}

export interface ParsedMessage {
  messageId: string | null
  inReplyTo: string | null
  references: string[]
  /** Same for all mails of one conversation, whoever sent them. */
  threadKey: string
  date: Date | null
  subject: string | null
  /** Without Re:, Fwd:, 回复:, AW: … */
  baseSubject: string | null
  from: Address[]
  sender: Address[]
  replyTo: Address[]
  to: Address[]
  cc: Address[]
  bcc: Address[]
  headers: Record<string, string[]>
  /** Read from the HTML when there is no text. */
  text: string | null
  /** As it came, unsafe to show; made from the text when there is none. */
  html: string | null
  safeHtml: string | null
  /** With `safeHtml`: images that show nothing and only tell the sender that the message was opened. */
  trackingPixels?: number
  /** First ~200 characters a person would read. */
  preview: string
  attachments: Attachment[]
  /** Meeting requests (`text/calendar`, also inside winmail.dat). */
  invites: Array<{
    method: string | null
    uid: string | null
    summary: string | null
    start: Date | null
    end: Date | null
    organizer: string | null
    raw: string
  }>
  /** Set for bounces (RFC 3464) and other reports. */
  report: {
    kind: 'delivery-status' | 'disposition-notification' | 'feedback'
    recipients: Array<{ address: string; action: string; status: string | null; diagnostic: string | null }>
    originalMessageId: string | null
  } | null
  security: 'none' | 'smime-signed' | 'smime-encrypted' | 'pgp-signed' | 'pgp-encrypted'
  /** What was wrong with the input, if anything; parsing itself never fails. */
  defects: string[]
}
export interface Attachment {
  part: string
  /** Safe to join to a folder: no separators, no control or bidi characters. */
  filename: string
  contentType: string
  size: number
  contentId: string | null
  /** Referred to by the HTML body. */
  inline: boolean
  content: Buffer | null
}
export declare function parseMessage(source: Uint8Array, options?: ParseOptions & CallOptions): Promise<ParsedMessage>

export interface MessageInit {
  from: string | Address
  sender?: string | Address
  replyTo?: string | Address | Array<string | Address>
  to?: string | Address | Array<string | Address>
  cc?: string | Address | Array<string | Address>
  bcc?: string | Address | Array<string | Address>
  subject?: string
  text?: string
  html?: string
  attachments?: AttachmentInit[]
  /** A meeting request as `text/calendar`. */
  invite?: { method: string; content: string }
  inReplyTo?: string
  references?: string[]
  messageId?: string
  date?: Date
  headers?: Record<string, string | string[]>
  priority?: 'high' | 'normal' | 'low'
  readReceiptTo?: string
}
export interface AttachmentInit {
  filename?: string
  contentType?: string
  /** Bytes, or a file that is streamed and never held whole. */
  content?: Uint8Array | string
  path?: string
  /** Makes it inline: `<img src="cid:…">`. */
  contentId?: string
}
/**
 * RFC 5322 bytes, for drafts and APPEND. `bcc` is not in them, so that they can be sent to everybody; `keepBcc: true` is for
 * drafts, which lose their blind recipients otherwise. Never send such bytes as `raw`: that goes out as it is.
 */
export declare function buildMessage(
  message: MessageInit,
  options?: { keepBcc?: boolean } & CallOptions,
): Promise<Buffer>
/** Recipients, subject, In-Reply-To, References and quoted body of an answer; `self` are the addresses not to answer to. */
export declare function replyTo(
  original: ParsedMessage,
  options: { from: string | Address; self?: string[]; all?: boolean; text?: string; html?: string },
): MessageInit
/**
 * The attachments of `original` go along: parse it with `attachments: 'content'`. One without content is `INVALID_ARGUMENT`;
 * take out of the list what is to stay behind.
 */
export declare function forward(
  original: ParsedMessage,
  options: { from: string | Address; to: string | Address | Array<string | Address>; text?: string; html?: string },
): MessageInit

// ───────────────────────────── SMTP

export interface SmtpOptions extends ServerAddress, ConnectOptions {
  auth?: MailAuth
  /** EHLO name. Default: the address literal of the socket. */
  name?: string
  pool?: { maxConnections?: number; maxMessagesPerConnection?: number; idleTimeoutMs?: number }
  /** Shared by every client of the same mailbox in this process. Microsoft 365: 3 connections, 30 messages a minute. */
  rateLimit?: { messages: number; perMs: number }
  /**
   * Opt-in to BDAT (RFC 3030) where the server offers CHUNKING: the message flows in chunks, without a round trip for leave
   * to send it. `'binary'`: attachments also as raw octets, a quarter smaller, where it offers BINARYMIME. Default false:
   * some servers offer it and fail at it. Without the extension DATA is used.
   */
  chunking?: boolean | 'binary'
}
export interface SmtpEnvelope {
  from: string
  to: string[]
}
export interface SendResult {
  messageId: string
  envelope: SmtpEnvelope
  accepted: string[]
  rejected: Array<{ address: string; error: MailError }>
  response: string
  bytes: number
  /** Whether the provider files the copy in Sent by itself (Microsoft, Google) or the caller should `append` it. */
  sentCopy: 'server' | 'caller'
}
export interface SendOptions extends CallOptions {
  dsn?: { notify?: Array<'never' | 'success' | 'failure' | 'delay'>; ret?: 'full' | 'hdrs'; envid?: string }
}
export declare class SmtpClient {
  static connect(options: SmtpOptions & CallOptions): Promise<SmtpClient>
  readonly capabilities: string[]
  /**
   * Resolves when the server has taken the message for at least one recipient. A rejection says by `delivery` whether the
   * server may have it: `not-sent` up to the end of the message and after a refusal, `unknown` between its end and the
   * server's answer (then look into Sent before sending again; docs/sending.md).
   */
  send(message: MessageInit | { envelope: SmtpEnvelope; raw: Uint8Array }, options?: SendOptions): Promise<SendResult>
  /**
   * One outcome per message, in order; a refused message never stops the rest.
   *
   * Nothing is sent before it is asked for. An abort, `close` or the deadline (of the whole) rejects between two messages:
   * go on from the index after the last outcome; cut in the middle of a message, that one's outcome comes first.
   */
  sendMany(
    messages: Iterable<MessageInit> | AsyncIterable<MessageInit>,
    options?: SendOptions & { intervalMs?: number },
  ): AsyncIterableIterator<{ index: number; result: SendResult | null; error: MailError | null }>
  verify(options?: CallOptions): Promise<void>
  close(options?: CallOptions): Promise<void>
}

// ───────────────────────────── setup help

export interface DiagnosisStep {
  step:
    | 'app-credentials'
    | 'token'
    | 'token-scopes'
    | 'imap-connect'
    | 'imap-tls'
    | 'imap-auth'
    | 'imap-mailbox'
    | 'smtp-connect'
    | 'smtp-tls'
    | 'smtp-auth'
  ok: boolean
  ms: number
  error: MailError | null
  /** One sentence on what to switch on, where. */
  advice: string | null
}
/**
 * Runs every step that can run, sends no mail, changes nothing.
 *
 * Steps come in the order of `DiagnosisStep['step']`. One that cannot run is left out: without its input (`provider`,
 * `auth`; `token-scopes` needs a `TokenSource`) or behind one that failed. `imap` and `smtp` default to the provider's.
 * It rejects only for wrong arguments and an abort; what `timeoutMs` (default 90 s) cuts off is a step that failed with
 * `TIMEOUT`. A mailbox that does not open is tried for 15 s: what passes by itself is `ok`, with a word in `advice`.
 */
export declare function diagnose(
  options: {
    provider?: OAuthProvider
    auth?: MailAuth
    imap?: ServerAddress
    smtp?: ServerAddress
  } & ConnectOptions &
    CallOptions,
): Promise<{ ok: boolean; steps: DiagnosisStep[] }>

// ───────────────────────────── log

/** Called with every log line; no line ever holds a token, a password, a body or an address book. */
export declare function setLogger(
  logger:
    | ((entry: {
        level: 'error' | 'warn' | 'info' | 'debug'
        target: string
        message: string
        fields: Record<string, string>
      }) => void)
    | null,
): void
