import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { freePort, waitForPort } from './ports.mjs'

/**
 * @typedef {object} PostfixOptions
 * @property {string} dir A private folder, removed by whoever made it.
 * @property {{ cert: string, key: string }} certificate
 * @property {string} domain Whose mail goes to Dovecot.
 * @property {string} authSocket Dovecot's SASL listener.
 * @property {string} lmtpSocket Dovecot's delivery.
 */

/**
 * Postfix 3.7 from Debian's packages: its master needs root. SASL by Dovecot, delivery by LMTP into Dovecot.
 * `submission` is for STARTTLS, `submissions` for implicit TLS.
 *
 * @param {PostfixOptions} options
 * @returns {Promise<{ submission: number, submissions: number, stop(): Promise<void> }>}
 */
export async function startPostfix(options) {
  const { dir } = options
  const [submission, submissions] = [await freePort(), await freePort()]
  const config = join(dir, 'etc')
  for (const folder of ['etc', 'queue', 'data']) mkdirSync(join(dir, folder), { recursive: true, mode: 0o755 })
  spawnSync('chown', ['postfix', join(dir, 'data')])
  writeFileSync(join(dir, 'tls.pem'), options.certificate.key + options.certificate.cert, { mode: 0o600 })
  writeFileSync(join(config, 'main.cf'), mainCf(dir, options))
  writeFileSync(join(config, 'master.cf'), masterCf(submission, submissions))
  const started = spawnSync('postfix', ['-c', config, 'start'], { encoding: 'utf8' })
  if (started.status !== 0) throw new Error(`Postfix does not start: ${started.stderr}${logOf(dir)}`)
  await waitForPort(submission)
  return {
    submission,
    submissions,
    async stop() {
      spawnSync('postfix', ['-c', config, 'stop'])
    },
  }
}

function logOf(dir) {
  const log = join(dir, 'postfix.log')
  return existsSync(log) ? `\n${readFileSync(log, 'utf8')}` : ''
}

function mainCf(dir, { domain, authSocket, lmtpSocket }) {
  return `compatibility_level = 3.6
queue_directory = ${dir}/queue
data_directory = ${dir}/data
maillog_file = ${dir}/postfix.log
maillog_file_prefixes = ${dir}
command_directory = /usr/sbin
daemon_directory = /usr/lib/postfix/sbin
multi_instance_enable = yes
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.${domain}
mydestination =
mynetworks =
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = ${domain}
virtual_mailbox_maps = static:all
virtual_transport = lmtp:unix:${lmtpSocket}
smtpd_tls_chain_files = ${dir}/tls.pem
smtpd_tls_security_level = may
smtpd_tls_auth_only = yes
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = ${authSocket}
smtpd_sasl_security_options = noanonymous
smtpd_relay_restrictions = permit_sasl_authenticated, reject
smtpd_recipient_restrictions = check_recipient_access inline:{ {nobody@${domain} = reject 5.1.1 no such user} }, permit_sasl_authenticated, reject
default_transport = discard
message_size_limit = 60000000
mailbox_size_limit = 0
virtual_mailbox_limit = 0
smtputf8_enable = yes
default_process_limit = 100
smtpd_client_connection_count_limit = 0
smtpd_client_connection_rate_limit = 0
`
}

function masterCf(submission, submissions) {
  return `127.0.0.1:${submission} inet n - n - - smtpd
127.0.0.1:${submissions} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
lmtp unix - - n - - lmtp
smtp unix - - n - - smtp
discard unix - - n - - discard
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
proxymap unix - - n - - proxymap
postlog unix-dgram n - n - 1 postlogd
`
}
