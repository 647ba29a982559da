// The job as a small page: settings form → link → inbox → open a mail → reply.
//
//   npm run demo:web [-- --port 8765] [--microsoft --client-id … --client-secret …]

import { createServer } from 'node:http'
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import { Mailbox } from './mailbox.mjs'
import { signInPages } from './sign-in.mjs'

const here = dirname(fileURLToPath(import.meta.url))
const require = createRequire(import.meta.url)

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '8765' },
    microsoft: { type: 'boolean', default: false },
    'client-id': { type: 'string', default: '' },
    'client-secret': { type: 'string', default: '' },
    tenant: { type: 'string', default: 'common' },
  },
})

const world = values.microsoft ? null : await require('@nocobase/email-native-simulator').startMailWorld()
const server = createServer(answer)
await new Promise((resolve) => server.listen(Number(values.port), 'localhost', resolve))
const origin = `http://localhost:${server.address().port}`
const signIn = world === null ? null : signInPages(world, origin)
const mailbox = new Mailbox({
  redirectUri: `${origin}/callback`,
  connect: world === null ? {} : { ca: world.ca, proxy: null },
  endpoints: world?.oauth.endpoints,
  tenant: values.tenant,
})
console.log(`Open ${origin} in a browser. Ctrl+C ends it.`)

const FILES = {
  '/': ['page.html', 'text/html'],
  '/app.js': ['app.js', 'text/javascript'],
  '/style.css': ['style.css', 'text/css'],
}

const ROUTES = {
  'GET /api/state': () => ({
    linked: mailbox.identity,
    settings:
      world === null
        ? { clientId: values['client-id'], clientSecret: values['client-secret'] }
        : { clientId: world.client.id, clientSecret: world.client.secret },
    simulated: world !== null,
  }),
  'POST /api/settings': (_url, body) => mailbox.configure(body),
  'GET /api/inbox': () => mailbox.newest(),
  'GET /api/mail': (url) => mailbox.open(Number(url.searchParams.get('uid'))),
  'POST /api/reply': (_url, body) => mailbox.reply(body),
}

async function answer(request, response) {
  const url = new URL(request.url, origin)
  try {
    const route = ROUTES[`${request.method} ${url.pathname}`]
    if (route) return json(response, 200, (await route(url, await bodyOf(request))) ?? {})
    if (FILES[url.pathname]) return file(response, ...FILES[url.pathname])
    if (url.pathname === '/link')
      return redirect(response, signIn?.visible(mailbox.authorizationUrl()) ?? mailbox.authorizationUrl())
    if (url.pathname === '/callback') {
      await mailbox.redeem(url.href)
      return redirect(response, '/')
    }
    if (signIn) return await signIn.pass(request, response)
    response.writeHead(404).end()
  } catch (error) {
    // The page shows what an administrator needs: the sentence, the code and who must act.
    const { code, category, action, message, server } = error
    if (url.pathname === '/callback') return redirect(response, `/#error=${encodeURIComponent(`${code}: ${message}`)}`)
    json(response, code ? 422 : 500, { code, category, action, message, server })
  }
}

async function bodyOf(request) {
  if (request.method !== 'POST') return null
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString())
}

function file(response, name, type) {
  response.writeHead(200, { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' })
  response.end(readFileSync(join(here, name)))
}

function json(response, status, value) {
  response.writeHead(status, { 'content-type': 'application/json; charset=utf-8' }).end(JSON.stringify(value))
}

function redirect(response, location) {
  response.writeHead(302, { location }).end()
}

for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    server.close()
    server.closeAllConnections()
    await mailbox.close()
    await world?.stop()
    process.exit(0)
  })
}
