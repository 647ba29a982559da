import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'

import { freePort, waitForPort } from './ports.mjs'

/**
 * @typedef {object} DovecotOptions
 * @property {string} dir A private folder, removed by whoever made it.
 * @property {{ cert: string, key: string }} certificate
 * @property {{ user: string, password: string }[]} users
 * @property {string} [imapSettings] Further lines of its configuration, for IMAP only.
 * @property {{ kid: string, publicKeyPem: string }} tokens What signs the access tokens: checked locally, as a resource server does.
 */

/**
 * Dovecot 2.3 from Debian's packages, wholly inside `dir`, on free ports of loopback.
 *
 * @param {DovecotOptions} options
 * @returns {Promise<{ imaps: number, imap: number, authSocket: string, lmtpSocket: string, stop(): Promise<void> }>}
 */
export async function startDovecot(options) {
  const { dir } = options
  const [imaps, imap] = [await freePort(), await freePort()]
  for (const folder of ['run', 'state', 'mail', 'keys/default/RS256']) mkdirSync(join(dir, folder), { recursive: true })
  for (const folder of ['', 'run', 'keys', 'keys/default', 'keys/default/RS256']) chmodSync(join(dir, folder), 0o755)
  writeFileSync(join(dir, 'tls.crt'), options.certificate.cert)
  writeFileSync(join(dir, 'tls.key'), options.certificate.key, { mode: 0o600 })
  writeFileSync(join(dir, 'keys/default/RS256', options.tokens.kid), options.tokens.publicKeyPem)
  writeFileSync(join(dir, 'passwd'), options.users.map(({ user, password }) => `${user}:{PLAIN}${password}\n`).join(''))
  writeFileSync(join(dir, 'oauth2.conf'), oauth2Conf(dir))
  const owner = mailOwner()
  if (owner.chown) execFileSync('chown', ['mail:mail', join(dir, 'mail')])
  const file = join(dir, 'dovecot.conf')
  writeFileSync(file, dovecotConf(dir, imaps, imap, owner, options.imapSettings ?? ''))

  const server = spawn('dovecot', ['-F', '-c', file], { stdio: 'ignore' })
  const exited = new Promise((resolve) => server.once('exit', resolve))
  await waitForPort(imaps)
  return {
    imaps,
    imap,
    authSocket: join(dir, 'run/auth-client'),
    lmtpSocket: join(dir, 'run/lmtp'),
    async stop() {
      server.kill('SIGTERM')
      await exited
    },
  }
}

function oauth2Conf(dir) {
  return `introspection_mode = local
local_validation_key_dict = fs:posix:prefix=${dir}/keys/
username_attribute = preferred_username
`
}

/** Dovecot refuses to keep mail as root: then it belongs to Debian's user `mail`. */
function mailOwner() {
  if (process.getuid?.() !== 0) return { uid: process.getuid?.(), gid: process.getgid?.(), chown: false }
  const id = (flag) => Number(execFileSync('id', [flag, 'mail'], { encoding: 'utf8' }))
  return { uid: id('-u'), gid: id('-g'), chown: true }
}

function dovecotConf(dir, imaps, imap, owner, imapSettings) {
  const root = process.getuid?.() === 0
  const own = userInfo().username
  return `
base_dir = ${dir}/run
state_dir = ${dir}/state
log_path = ${dir}/dovecot.log
protocols = imap lmtp
listen = 127.0.0.1
${root ? '' : `default_internal_user = ${own}\ndefault_login_user = ${own}\ndefault_internal_group = ${userInfo().gid}`}
first_valid_uid = 1
mail_location = mdbox:${dir}/mail/%u:LAYOUT=index
mail_max_userip_connections = 2000
mail_fsync = never
mail_plugins = zlib
ssl = yes
ssl_cert = <${dir}/tls.crt
ssl_key = <${dir}/tls.key
auth_mechanisms = plain login xoauth2 oauthbearer
auth_username_format = %Lu
passdb {
  driver = oauth2
  mechanisms = xoauth2 oauthbearer
  args = ${dir}/oauth2.conf
}
passdb {
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u ${dir}/passwd
}
userdb {
  driver = static
  args = uid=${owner.uid} gid=${owner.gid} home=${dir}/mail/%u allow_all_users=yes
}
namespace inbox {
  inbox = yes
  separator = /
  mailbox Drafts { special_use = \\Drafts auto = subscribe }
  mailbox Sent { special_use = \\Sent auto = subscribe }
  mailbox Trash { special_use = \\Trash auto = subscribe }
  mailbox Junk { special_use = \\Junk auto = subscribe }
  mailbox Archive { special_use = \\Archive auto = subscribe }
}
protocol imap {
  mail_plugins = zlib imap_zlib
  ${imapSettings}
}
protocol lmtp {
  auth_username_format = %Lu
}
service imap-login {
  chroot =
  service_count = 0
  process_min_avail = 1
  inet_listener imap {
    port = ${imap}
  }
  inet_listener imaps {
    port = ${imaps}
    ssl = yes
  }
}
service imap {
  process_limit = 1024
}
service anvil {
  chroot =
  unix_listener anvil-auth-penalty {
    mode = 0
  }
}
service stats {
  chroot =
}
service auth {
  idle_kill = 30 days
  unix_listener auth-client {
    mode = 0666
  }
}
service lmtp {
  unix_listener lmtp {
    mode = 0666
  }
}
`.replace(/mailbox (\w+) \{ (special_use = \S+) (auto = \w+) \}/g, 'mailbox $1 {\n    $2\n    $3\n  }')
}
