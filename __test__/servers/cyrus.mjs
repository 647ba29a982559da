import { execFileSync, spawn, spawnSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { freePort, waitForPort } from './ports.mjs'

/** Its programs and libraries, in one folder: `scripts/cyrus.mjs` fills it. */
export const unpacked = join(dirname(fileURLToPath(import.meta.url)), '../../target/cyrus')

export const programs = ['master', 'imapd', 'idled', 'ctl_cyrusdb', 'saslpasswd2']

/** Why it cannot run here, or null. */
export function whyNoCyrus() {
  const absent = programs.find((name) => !existsSync(join(unpacked, name)))
  if (absent !== undefined) return `cyrus-imapd is not unpacked (no ${absent} in target/cyrus)`
  const env = { ...process.env, LD_LIBRARY_PATH: unpacked }
  const { stdout } = spawnSync('ldd', [join(unpacked, 'imapd')], { encoding: 'utf8', env })
  const missing = /(\S+) => not found/.exec(stdout ?? '')
  return missing && `cyrus-imapd lacks the library ${missing[1]}`
}

/** Octets of a message; it says so beforehand (APPENDLIMIT). */
export const LARGEST_MESSAGE = 5 << 20

/** Who sets quotas, by a password of its own like everybody. */
export const ADMIN = 'admin@contoso.example'

/**
 * @typedef {object} CyrusOptions
 * @property {string} dir A private folder, removed by whoever made it. Best in memory: Cyrus waits for the disk several times a message.
 * @property {string} bin Another one, where programs may be run.
 * @property {{ cert: string, key: string }} certificate
 * @property {{ user: string, password: string }[]} users They log in by password: Debian's SASL knows no access tokens.
 */

/**
 * Cyrus IMAP 3 from Debian's packages, wholly inside `dir` and `bin`, on free ports of loopback.
 *
 * @param {CyrusOptions} options
 * @returns {Promise<{ imaps: number, imap: number, stop(): Promise<void> }>}
 */
export async function startCyrus(options) {
  const { dir, bin } = options
  const [imaps, imap] = [await freePort(), await freePort()]
  const owner = mailOwner()
  for (const folder of ['db', 'lock', 'log', 'mail', 'proc', 'socket'])
    mkdirSync(join(dir, folder), { recursive: true })
  // The owner of the mail need not be able to read the folder of whoever runs the tests.
  cpSync(unpacked, bin, { recursive: true })
  writeFileSync(join(dir, 'tls.crt'), options.certificate.cert)
  writeFileSync(join(dir, 'tls.key'), options.certificate.key, { mode: 0o600 })
  writeFileSync(join(dir, 'imapd.conf'), imapdConf(dir))
  writeFileSync(join(dir, 'cyrus.conf'), cyrusConf(options, imaps, imap))
  const env = { LD_LIBRARY_PATH: bin, CYRUS_USER: owner.name }
  for (const account of options.users) setPassword(options, account, env)
  if (owner.uid !== undefined) execFileSync('chown', ['-R', `${owner.uid}:${owner.gid}`, dir])

  const args = ['-C', join(dir, 'imapd.conf'), '-M', join(dir, 'cyrus.conf'), '-p', join(dir, 'master.pid')]
  const { uid, gid } = owner
  // Detached, for it ends by a signal to its whole process group, which would be ours.
  const server = spawn(join(bin, 'master'), args, { stdio: 'ignore', env, uid, gid, detached: true })
  const exited = new Promise((resolve) => server.once('exit', resolve))
  process.once('exit', () => server.kill('SIGTERM'))
  await waitForPort(imaps)
  return {
    imaps,
    imap,
    /** It waits for its children. */
    async stop() {
      server.kill('SIGTERM')
      await exited
    },
  }
}

/** Cyrus refuses to run as root: then it is Debian's user `mail`. */
function mailOwner() {
  if (process.getuid?.() !== 0) return { name: userInfo().username }
  const id = (flag) => Number(execFileSync('id', [flag, 'mail'], { encoding: 'utf8' }))
  return { name: 'mail', uid: id('-u'), gid: id('-g') }
}

function setPassword({ dir, bin }, { user, password }, env) {
  const [name, domain] = user.split('@')
  const args = ['-p', '-c', '-f', join(dir, 'sasldb2'), '-u', domain, name]
  execFileSync(join(bin, 'saslpasswd2'), args, { input: password, env })
}

/** `defaultdomain` is none of the users': else they would lose theirs, by which their passwords are found. */
function imapdConf(dir) {
  return `
configdirectory: ${dir}
defaultpartition: default
partition-default: ${dir}/mail
admins: ${ADMIN}
virtdomains: userid
defaultdomain: localhost
unixhierarchysep: yes
altnamespace: yes
autocreate_quota: 1048576
autocreate_inbox_folders: Drafts | Sent | Trash | Junk | Archive
autocreate_subscribe_folders: Drafts | Sent | Trash | Junk | Archive
xlist-drafts: Drafts
xlist-sent: Sent
xlist-trash: Trash
xlist-junk: Junk
xlist-archive: Archive
specialusealways: yes
conversations: yes
conversations_db: twoskip
maxmessagesize: ${LARGEST_MESSAGE}
munge8bit: no
delete_mode: immediate
expunge_mode: immediate
allowplaintext: yes
sasl_pwcheck_method: auxprop
sasl_auxprop_plugin: sasldb
sasl_sasldb_path: ${dir}/sasldb2
sasl_mech_list: PLAIN LOGIN
tls_server_cert: ${dir}/tls.crt
tls_server_key: ${dir}/tls.key
`
}

function cyrusConf({ dir, bin }, imaps, imap) {
  const program = (name) => `${bin}/${name} -C ${dir}/imapd.conf`
  return `
START {
  recover cmd="${program('ctl_cyrusdb')} -r"
  idled cmd="${program('idled')}"
}
SERVICES {
  imap cmd="${program('imapd')}" listen="127.0.0.1:${imap}" prefork=0
  imaps cmd="${program('imapd')} -s" listen="127.0.0.1:${imaps}" prefork=1
}
EVENTS {
}
`
}
