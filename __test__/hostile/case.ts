import type { HostileServer, Peer, Script } from './server'

/** What `programs/hostile.cjs` tells of its one call. */
export interface Told {
  code: string
  category?: string
  message?: string
  typed?: boolean
  retryAfterMs?: number | null
  value?: unknown
  ms: number
  grownMb: number
  closed?: boolean
  again?: { code: string; message?: string; value?: unknown }
}

export interface Case {
  /** What is feared. */
  name: string
  script: Script
  /** A call of `programs/hostile.cjs`. */
  call: string
  /** The code that it ends with: `OK`, or of a `MailError`; one of several where timing decides. */
  code: string | string[]
  timeoutMs?: number
  /** More options of the client. */
  options?: { compress?: boolean }
  /** A call afterwards, on the same client, that has to succeed: `status` unless something else is said; null: none. */
  again?: string | null
  /** What else must be true. */
  check?: (told: Told, server: HostileServer) => void
}

/** Untagged data, then the honest end. */
export const answered = (data: string) => `${data}\r\n{tag} OK done\r\n`

/** `data` and nothing more: the client waits for the rest. */
export const silence = (data = '') => data

/** `data` and the end of the connection. */
export const cut = (data: string) => async (peer: Peer) => {
  await peer.send(data)
  peer.close()
}

/** So many times the same, then the honest end. */
export const many =
  (times: number, chunk: string, before = '', after = '') =>
  async (peer: Peer) => {
    await peer.send(before)
    await peer.flood(chunk, times * chunk.length)
    await peer.send(`${after}{tag} OK done\r\n`)
  }

/** Without an end: 100 MB, or until the client has gone. */
export const endless =
  (chunk: string, before = '') =>
  async (peer: Peer) => {
    await peer.send(before)
    await peer.flood(chunk, 100 << 20)
  }
