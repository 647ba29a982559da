// Dovecot and Postfix beside the world's OAuth server: real servers, tokens of the same authorization server. Cyrus, which
// takes no tokens.

import { existsSync, chmodSync, mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { startCyrus } from './cyrus.mjs'
import { startDovecot } from './dovecot.mjs'
import { startPostfix } from './postfix.mjs'

/** Why a server cannot run here, or null. */
export function whyNoDovecot() {
  return existsSync('/usr/sbin/dovecot') ? null : 'dovecot-imapd is not installed'
}

export function whyNoPostfix() {
  if (whyNoDovecot() !== null) return whyNoDovecot()
  if (!existsSync('/usr/sbin/postfix')) return 'postfix is not installed'
  return process.getuid?.() === 0 ? null : "Postfix's master needs root"
}

/**
 * Starts what can run here. `world` gives certificate, accounts and the key that signs tokens.
 */
export async function startRealServers(world) {
  const dir = privateFolder(tmpdir())
  const certificate = world.tls
  const dovecot = await startDovecot({
    dir: join(dir, 'dovecot'),
    certificate,
    users: world.accounts,
    tokens: { kid: world.oauth.kid, publicKeyPem: world.oauth.publicKeyPem },
  })
  const postfix =
    whyNoPostfix() === null
      ? await startPostfix({
          dir: join(dir, 'postfix'),
          certificate,
          domain: domainOf(world.accounts[0].user),
          authSocket: dovecot.authSocket,
          lmtpSocket: dovecot.lmtpSocket,
        })
      : null
  return {
    dir,
    imap: { host: 'localhost', port: dovecot.imaps, tls: 'implicit' },
    imapStarttls: { host: 'localhost', port: dovecot.imap, tls: 'starttls' },
    smtp: postfix && { host: 'localhost', port: postfix.submission, tls: 'starttls' },
    smtps: postfix && { host: 'localhost', port: postfix.submissions, tls: 'implicit' },
    async stop() {
      await postfix?.stop()
      await dovecot.stop()
      rmSync(dir, { recursive: true, force: true })
    },
  }
}

/** `world` gives certificate and accounts. */
export async function startCyrusAlone(world) {
  const [bin, dir] = [privateFolder(tmpdir()), privateFolder(memory() ?? tmpdir())]
  const remove = () => [bin, dir].forEach((folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }))
  // Memory is not to be kept by a run that was interrupted.
  process.once('exit', remove)
  const cyrus = await startCyrus({ bin, dir, certificate: world.tls, users: world.accounts })
  return {
    imap: { host: 'localhost', port: cyrus.imaps, tls: 'implicit' },
    imapStarttls: { host: 'localhost', port: cyrus.imap, tls: 'starttls' },
    async stop() {
      await cyrus.stop()
      remove()
    },
  }
}

/** A folder that is no disk, and has room for the mail of all suites; a container's may be too small. */
function memory() {
  const folder = '/dev/shm'
  if (!existsSync(folder)) return null
  const { bavail, bsize } = statfsSync(folder)
  return bavail * bsize > 512 << 20 ? folder : null
}

/** Others than its owner find their way through it: the servers run as users of their own. */
function privateFolder(parent) {
  const dir = mkdtempSync(join(parent, 'email-native-'))
  chmodSync(dir, 0o755)
  return dir
}

function domainOf(address) {
  return address.slice(address.indexOf('@') + 1)
}
