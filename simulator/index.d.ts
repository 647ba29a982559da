/**
 * An embedded mail world for tests: Entra- and Google-shaped OAuth, IMAP and SMTP on loopback, with TLS and a CA of its own.
 *
 * Everything that is changed at run time (`setAccount`, `failNext`, `tokenLifetimeSeconds` …) holds from the next request on.
 */

export function startMailWorld(options?: MailWorldOptions): Promise<MailWorld>

/**
 * A self-signed RSA certificate as for an app registration: the result is the client's `clientCertificate`, its `certificate` goes to
 * `setClient(id, { certificates })`.
 */
export function createClientCertificate(options?: {
  name?: string
}): Promise<{ privateKey: string; certificate: string }>

export interface MailWorldOptions {
  /** Replaces the default accounts. */
  accounts?: AccountInit[]
  /** Replaces the default app registrations. */
  clients?: ClientInit[]
  /** Replaces the default tenants. An account belongs to the tenant of its domain. */
  tenants?: TenantInit[]
  /** Mails in the mailbox of the first account of each provider. Default 300; 0 for empty mailboxes. */
  seed?: number
  /** The name in every address. Default `localhost`; the certificate is good for `127.0.0.1` and `::1`, too. */
  host?: string
  /** Fixed ports, for demos. Default: any free ones. */
  ports?: { oauth?: number; imap?: number; imapStarttls?: number; googleImap?: number; smtp?: number; smtps?: number }
  oauth?: {
    /** Default 3600. */
    tokenLifetimeSeconds?: number
    rotation?: Rotation
    /** Default 5. */
    deviceIntervalSeconds?: number
    /** Default 900. */
    deviceLifetimeSeconds?: number
    /** Approximate length of Microsoft access tokens. Default 2048. */
    tokenBytes?: number
  }
  /** `false` starts none. */
  imap?: false | ImapOptions
  /** `false` starts none. */
  smtp?: false | SmtpOptions
}

/** What becomes of a used refresh token: it lives on (Microsoft), it dies, or its reuse kills every token of its family. */
export type Rotation = 'microsoft' | 'revoke' | 'revoke-family'

export interface ImapOptions {
  /** `default` (everything on, by the RFCs), `exchange`, `gmail`, `netease`, `exmail` … */
  personality?: string
  /** STARTTLS in place of implicit TLS. */
  startTls?: boolean
  log?: ((entry: { session: number; from: 'client' | 'server'; line: string }) => void) | null
}

export interface SmtpOptions {
  /**
   * `default` (Exchange's words, everything on, no limits), `exchange` (with its limits), `gmail`, `strict` (no pipelining; refuses messages that
   * RFC 5322 does not allow), `plain` (no extension but STARTTLS and AUTH). The options below prevail.
   */
  personality?: 'default' | 'exchange' | 'gmail' | 'strict' | 'plain'
  /** Default 157286400, as Exchange Online. */
  maxMessageBytes?: number
  /** `false` answers passwords with `550 5.7.30`. Default true. */
  basicAuth?: boolean
  /** More get `432 4.3.2`. Exchange Online allows 3; default: no limit. */
  maxConnectionsPerMailbox?: number
  /** Messages of one mailbox in a window; more are delayed. Exchange Online allows 30 a minute; default: no limit. */
  messagesPerWindow?: number
  /** Default a minute. */
  windowMs?: number
  /** Every message gets another Message-ID, as sometimes at Exchange. */
  rewriteMessageId?: boolean
}

export interface ServerAddress {
  host: string
  port: number
  tls: 'implicit' | 'starttls'
}

export interface MailWorld {
  /** PEM of the CA that signed every server's certificate. */
  ca: string
  /** PEM of the servers' key and certificate, for further servers in the same test. */
  tls: KeyPair
  /** Another certificate of this CA: for other names, expired … */
  issueCertificate(options?: { names?: string[]; notBefore?: Date; notAfter?: Date }): Promise<KeyPair>
  oauth: OAuthWorld
  /** Can be spread into a client's options: the controls are not enumerable. */
  imap: (ServerAddress & ImapControls) | null
  /** The same mailboxes, clear at first: STARTTLS, and login only behind it. */
  imapStarttls: (ServerAddress & ImapControls) | null
  /** Submission with STARTTLS. */
  smtp: (ServerAddress & SmtpControls) | null
  /** Submission with implicit TLS. */
  smtps: ServerAddress | null
  /** The first one has mail. */
  accounts: Account[]
  /** The app registration for Microsoft. */
  client: { id: string; secret: string; redirectUri: string }
  /** To be spread into `microsoft({ … })`. */
  microsoft: { clientId: string; clientSecret: string; endpoints: MicrosoftEndpoints }
  /** `clientId`, `clientSecret`, `endpoints` are for `google({ … })`. */
  google: {
    clientId: string
    clientSecret: string
    endpoints: GoogleEndpoints
    redirectUri: string
    account: Account
    imap: ImapControls | null
  }
  /** Every account's mailboxes. */
  store: { account(user: string): AccountMailboxes; has(user: string): boolean; accounts(): AccountMailboxes[] }
  /** One account's mailboxes, to look into or to `deliver` to. */
  mailbox(user: string | { user: string }): AccountMailboxes
  /** What was sent to foreign domains: it goes no further than here. */
  outbox: OutgoingMail[]
  /**
   * Goes through the sign-in and consent pages like a person, as the first account unless told otherwise.
   * Resolves to the URL that the app is called back at; rejects with the text of an error page.
   */
  signIn(url: string, account?: string | Person, options?: SignInOptions): Promise<string>
  /** The same for the device page; resolves to the last page's message. */
  approveDevice(
    verificationUri: string,
    userCode: string,
    account?: string | Person,
    options?: SignInOptions,
  ): Promise<string>
  /** An access token without any page or request, by default for IMAP and SMTP. */
  issueToken(user: string, options?: IssueOptions): Promise<string>
  /** The same as a whole token set with a living refresh token and consent, as the contract's `TokenSet`. */
  issueTokens(user: string, options?: IssueOptions): Promise<TokenSet>
  /** One HTTPS exchange that trusts this world's CA. Follows no redirect. */
  request(url: string | URL, init?: RequestInit): Promise<Reply>
  /** Ends every server and connection, at once. */
  stop(): Promise<void>
}

export interface AccountMailboxes {
  readonly user: string
  /** Files a message; sessions that have the mailbox open hear of it. */
  deliver(
    raw: Uint8Array,
    options?: { mailbox?: string; specialUse?: string; flags?: Iterable<string>; internalDate?: Date },
  ): StoredMessage
  get(path: string): Mailbox | null
  /** `\\Sent` … */
  bySpecialUse(specialUse: string): Mailbox | null
  list(): Mailbox[]
  create(path: string, options?: { specialUse?: string | null }): Mailbox
  delete(path: string): void
  rename(from: string, to: string): void
}

export interface Mailbox {
  readonly path: string
  readonly specialUse: string | null
  readonly uidValidity: number
  readonly uidNext: number
  readonly messages: readonly StoredMessage[]
}

export interface StoredMessage {
  readonly uid: number
  readonly flags: ReadonlySet<string>
  readonly content: { readonly raw: Buffer; readonly internalDate: Date; readonly size: number }
}

export interface KeyPair {
  key: string
  cert: string
}

/** Without a password: the account's own. */
export interface Person {
  user: string
  password?: string | null
}

export interface SignInOptions {
  /** Press Cancel on this page; `true`: on the consent page. */
  decline?: boolean | 'login' | 'mfa' | 'consent'
}

export interface IssueOptions {
  /** With resource, as in a request. They need no consent here. */
  scopes?: string[]
  /** Seconds; negative for an expired one. */
  expiresIn?: number
  clientId?: string
  /** Another `aud`. */
  audience?: string
}

export interface TokenSet {
  accessToken: string
  refreshToken: string
  idToken: string | null
  tokenType: 'Bearer'
  scopes: string[]
  expiresAt: string
  obtainedAt: string
}

export interface RequestInit {
  method?: string
  headers?: Record<string, string>
  /** Sent form-encoded, by POST; `undefined` values are left out. */
  form?: Record<string, string | undefined>
  body?: string | Uint8Array
  signal?: AbortSignal
}

export interface Reply {
  status: number
  headers: Record<string, string | string[] | undefined>
  text: string
  json(): unknown
}

export interface MicrosoftEndpoints {
  authorizationEndpoint: string
  tokenEndpoint: string
  deviceAuthorizationEndpoint: string
  jwksUri: string
  /** Holds `{tenantid}` under `common` and `organizations`. */
  issuer: string
  profileEndpoint: string
  imap: ServerAddress
  smtp: ServerAddress
}

export interface GoogleEndpoints {
  authorizationEndpoint: string
  tokenEndpoint: string
  /** Refuses the mail scope, as Google's does: the device flow is not for mail. */
  deviceAuthorizationEndpoint: string
  revocationEndpoint: string
  jwksUri: string
  issuer: string
  profileEndpoint: string
  imap: ServerAddress
  smtp: ServerAddress
}

export interface OAuthWorld {
  /** `https://localhost:port`; also the issuer of the Google dialect. */
  origin: string
  port: number
  /** With `{tenantid}`, as Microsoft's common metadata has it. */
  issuer: string
  /** Ready for `microsoft({ endpoints })`, for tenant `common`. */
  endpoints: MicrosoftEndpoints
  /** Those of another tenant: `organizations`, a tenant's id or its domain. Without the mail servers. */
  endpointsFor(tenant: string): Omit<MicrosoftEndpoints, 'imap' | 'smtp'>
  /** PEM (SPKI) of the RSA key that signs now, for servers that validate tokens themselves, and its `kid`. */
  readonly publicKeyPem: string
  readonly kid: string
  tokenLifetimeSeconds: number
  rotation: Rotation
  deviceIntervalSeconds: number
  deviceLifetimeSeconds: number
  /** Every AADSTS number that has its own text here. */
  aadstsCodes: number[]
  /** Every request so far, with the parameters of its query and form: to assert what was asked, and how often. */
  requests: Array<{ method: string; path: string; endpoint: string | null; parameters: Record<string, string> }>
  /** The next matching request fails so. Several are used up in their order. */
  failNext(fault: OAuthFault): void
  clearFaults(): void
  addAccount(account: AccountInit): Account
  addClient(client: ClientInit): void
  /** Changes an existing account; an unknown one is a TypeError. */
  setAccount(user: string, changes: Partial<AccountInit>): Account
  setClient(id: string, changes: Partial<ClientInit>): void
  setTenant(idOrDomain: string, changes: Partial<TenantInit>): void
  /** Every refresh token of the user is dead from now on (AADSTS50173); returns how many there were. */
  revokeSessions(user: string): number
  /** The user's codes and refresh tokens are that much older now. */
  ageGrants(user: string, by: { days?: number; seconds?: number }): void
  /** As if the user had accepted these scopes for this app. */
  consent(user: string, clientId: string, scopes: string[]): void
  withdrawConsent(user: string, clientId: string): void
  /** A new signing key; the old ones stay published unless they are to be forgotten. Resolves to the new `kid`. */
  rotateKeys(options?: { forget?: boolean }): Promise<string>
  issueToken(user: string, options?: IssueOptions): Promise<string>
  issueTokens(user: string, options?: IssueOptions): Promise<TokenSet>
}

export interface OAuthFault {
  /** Default `token`. `me` is Graph's `/me` and Google's userinfo. */
  endpoint?:
    'token' | 'authorize' | 'adminconsent' | 'devicecode' | 'jwks' | 'metadata' | 'me' | 'revoke' | 'page' | 'any'
  /** Default 1. */
  times?: number
  clientId?: string
  grantType?: string
  /** Entra's error of this number; the following four replace parts of it. At `authorize` it goes to the redirect URI. */
  aadsts?: number
  error?: string
  suberror?: string
  claims?: string
  /** HTTP status. Alone, 429, 500 and 503 get a fitting body. */
  status?: number
  /** Seconds, as Retry-After. */
  retryAfter?: number
  headers?: Record<string, string>
  /** Sent as it is: text, bytes, or anything else as JSON. */
  body?: unknown
  /** Wait first; alone, the request then goes on as usual. */
  delayMs?: number
  /** Cut the connection instead of answering. */
  destroy?: boolean
}

export interface AccountInit {
  /** The address; unique. */
  user: string
  /** Without one nobody can sign in as this account. */
  password?: string | null
  name?: string
  oid?: string
  tenantId?: string
  /** Default `microsoft`. */
  provider?: 'microsoft' | 'google'
  aliases?: string[]
  /** May consent for the whole tenant. */
  admin?: boolean
  /** A shared mailbox: the main addresses of those who may open it and send as it. */
  shared?: string[] | null
  /** `false`: the account signs in but has no mailbox. */
  mailbox?: boolean
  /** `false`: IMAP is switched off. */
  imap?: boolean
  /** `false`: authenticated SMTP is switched off (`535 5.7.139`). */
  smtpAuth?: boolean
  /** Sign-in wants a second factor, and refresh tokens from before are refused (AADSTS50076 with claims). */
  mfa?: boolean
  /** Every sign-in and redemption ends with this AADSTS number (53003, 50057, 50105 …); null to let go. */
  aadsts?: number | null
}

export type Account = Required<AccountInit>

export interface ClientInit {
  id: string
  /** One or several; without any (and without certificates) the app is public. */
  secret?:
    | string
    | { value: string; id?: string; expiresAt?: string }
    | Array<string | { value: string; id?: string; expiresAt?: string }>
  /** PEM certificates for client assertions. */
  certificates?: string[]
  name?: string
  provider?: 'microsoft' | 'google'
  /** Compared exactly; the port of `http` loopback addresses is free. */
  redirectUris?: string[]
  /** `common` (default), `organizations`, `consumers`, or a tenant's id or domain for a single-tenant app. */
  audience?: string
  /** Device code and refresh without a secret. */
  allowPublicClient?: boolean
  /** Application permissions. */
  roles?: string[]
  /** Mailboxes that the app itself may open. */
  mailboxAccess?: string[]
  /** Every request of this app ends with this AADSTS number; null to let go. */
  aadsts?: number | null
  /** Google: an app in "Testing", whose refresh tokens die after 7 days. */
  testing?: boolean
}

export interface TenantInit {
  id: string
  domain: string
  name?: string
  /** `admin-only`: users get the "Need admin approval" page (AADSTS90094). Default `allow`. */
  userConsent?: 'allow' | 'admin-only'
  /** `false`: authenticated SMTP is switched off for everybody. */
  smtpAuth?: boolean
}

export interface ImapControls {
  /** What the server does wrong, for everybody or one user; the names are in README.md. Unknown ones are refused. */
  faults: { set(faults: Record<string, unknown>, options?: { user?: string }): void; clear(): void }
  /** Who is connected now. */
  sessions(): Array<{
    serial: number
    state: 'clear' | 'authenticated' | 'selected'
    user: string | null
    mailbox: string | null
    running: string
    idling: boolean
  }>
  /** How many connections there have been. */
  connections(): number
  /** Ends sessions as at the expiry of their token. */
  expire(options?: { user?: string; bye?: boolean }): void
  /** Cuts connections without a word. */
  disconnect(options?: { user?: string }): void
}

export interface SmtpControls {
  failNext(fault: SmtpFault): void
  clearFaults(): void
  /** Changeable at any moment. */
  settings: Required<
    Pick<SmtpOptions, 'basicAuth' | 'maxConnectionsPerMailbox' | 'messagesPerWindow' | 'windowMs' | 'rewriteMessageId'>
  >
  /** Microsoft 365's own refusals, for `reply`. */
  readonly refusals: {
    readonly concurrentConnections: string
    readonly senderThreads: string
    readonly authDisabled: string
    readonly wrongUser: string
    readonly sendAsDenied: string
    readonly basicAuth: string
    readonly quotaExceeded: string
    readonly mailboxFull: string
  }
  readonly statistics: {
    readonly connections: number
    /** Signed-in connections of a mailbox, now and at most. */
    open(user: string): number
    most(user: string): number
    /** When MAIL was accepted, in ms. */
    readonly messages: ReadonlyArray<{ user: string; at: number }>
    clear(): void
  }
  /** Cuts connections without a word. */
  disconnect(): void
}

export interface SmtpFault {
  /**
   * `connect`: in place of the greeting. `data-command`: in place of 354. `body`: in the middle of the message. `data`: after the final dot, the
   * message is dropped. `accepted`: it is delivered first, but the client cannot know. `replied`: after the reply, the connection is cut.
   */
  stage:
    | 'connect'
    | 'ehlo'
    | 'starttls'
    | 'auth'
    | 'mail'
    | 'rcpt'
    | 'data-command'
    | 'body'
    | 'data'
    | 'accepted'
    | 'replied'
  /** `body`: how much of the message comes through first. Default 1. */
  afterBytes?: number
  /** `451 4.7.500 Server busy. Please try again later` */
  reply?: string
  /** Cut the connection instead. */
  destroy?: boolean
  /** Wait first; alone, all goes on as usual. */
  delayMs?: number
  /** Only for this user (`auth`), sender (`mail`) or recipient (`rcpt`). */
  address?: string
  /** Default 1. */
  times?: number
}

export interface OutgoingMail {
  id: string
  /** Who was signed in. */
  user: string
  from: string
  /** The foreign recipients only. */
  to: string[]
  raw: Buffer
  date: Date
  dsn: { ret: string | null; envid: string | null } | null
}
