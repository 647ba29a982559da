import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { chromium, type Browser } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

import { parseMessage } from '../index'
import type { ParseOptions } from '../index'

const CHROMIUM = '/usr/bin/chromium'
const why = existsSync(CHROMIUM) ? '' : ' (chromium is not installed)'

const vectors = JSON.parse(
  readFileSync(join(__dirname, '..', 'fixtures', 'mime', 'xss-vectors.json'), 'utf8'),
) as string[]

/** What a page did with the HTML that it was given. */
interface Outcome {
  /** One for each script, handler or `javascript:` that ran: what, and in which piece of HTML. */
  executions: string[]
  requests: string[]
}

describe.skipIf(why !== '')(`hostile HTML in a browser${why}`, () => {
  let browser: Browser
  beforeAll(async () => {
    const args = [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
    ]
    browser = await chromium.launch({ executablePath: CHROMIUM, args })
  }, 60_000)
  afterAll(() => browser?.close())

  test('nothing of it runs, nothing is loaded', async () => {
    expect(vectors.length).toBeGreaterThanOrEqual(150)
    const blocked = await Promise.all(vectors.map((vector) => safe(vector, true)))
    expect(await show(blocked)).toEqual({ executions: [], requests: [] })
    const kept = await Promise.all(vectors.map((vector) => safe(vector, { remoteImages: 'keep', cid: 'data-uri' })))
    expect((await show(kept, { documents: false })).executions).toEqual([])
    // All in one, so that a piece may open what another one closes.
    const together = await safe(vectors.join('\n'), true)
    expect(await show([together])).toEqual({ executions: [], requests: [] })
    const fromText = await Promise.all(vectors.map((vector) => read(vector, 'text/plain', true)))
    expect(
      await show(
        fromText.map((message) => message.html!),
        { documents: false },
      ),
    ).toEqual({ executions: [], requests: [] })

    // The same page sees it when something does run.
    const raw: Outcome = { executions: [], requests: [] }
    for (let n = 0; n < vectors.length; n += 50) {
      const { executions, requests } = await show(vectors.slice(n, n + 50), { mayLeave: true })
      raw.executions.push(...executions)
      raw.requests.push(...requests)
    }
    expect(raw.executions.length).toBeGreaterThan(100)
    expect(raw.requests.length).toBeGreaterThan(50)
    const slipped = await show([...blocked.slice(1), '<img src=x onerror=alert(1)>'])
    expect(slipped.executions.length).toBeGreaterThan(0)
  }, 300_000)

  /** Renders each piece inside the page and as a document of its own, touches every element, and watches. */
  async function show(pieces: string[], { mayLeave = false, documents = true } = {}): Promise<Outcome> {
    const context = await browser.newContext()
    const outcome: Outcome = { executions: [], requests: [] }
    try {
      const page = await context.newPage()
      page.setDefaultTimeout(60_000)
      page.on('dialog', (dialog) => {
        outcome.executions.push(`dialog: ${dialog.message()}`)
        void dialog.dismiss().catch(() => {})
      })
      await page.exposeBinding('executed', (_source, what: string) => void outcome.executions.push(what))
      await page.addInitScript(watch)
      const policy = "script-src 'none'; object-src 'none'; base-uri 'none'"
      await context.route('**/*', async (route) => {
        const url = route.request().url()
        if (url === 'https://mail.example/') {
          // Told, not enforced: what a policy would stop does run here, and is counted.
          const headers = { 'content-type': 'text/html', 'content-security-policy-report-only': policy }
          await route.fulfill({ headers, body: '<!doctype html><main></main>' })
        } else {
          // A browser cannot fetch `cid:`: nothing goes out.
          if (!url.startsWith('cid:')) outcome.requests.push(url)
          await route.abort()
        }
      })
      await page.goto('https://mail.example/')
      const rendered = page.evaluate(render, { pieces, documents })
      await (mayLeave ? rendered.catch(() => {}) : rendered)
      return outcome
    } finally {
      await context.close()
    }
  }
})

async function read(body: string, type: string, sanitizeHtml: ParseOptions['sanitizeHtml']) {
  const head = `Content-Type: ${type}; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n`
  return parseMessage(Buffer.from(head + Buffer.from(body).toString('base64')), { sanitizeHtml })
}

async function safe(html: string, sanitizeHtml: ParseOptions['sanitizeHtml']): Promise<string> {
  return (await read(html, 'text/html', sanitizeHtml)).safeHtml!
}

/** Runs in every document before anything else: tells of each script, whatever it does. */
function watch(): void {
  const scope = globalThis as unknown as { executed: (what: string) => void; document: EventTarget }
  scope.document.addEventListener('securitypolicyviolation', (event) => {
    const { effectiveDirective, sample, blockedURI } = event as unknown as Record<string, string>
    if (effectiveDirective.startsWith('script-src')) scope.executed(`${effectiveDirective}: ${blockedURI} ${sample}`)
  })
}

/** Runs in the page. */
async function render({ pieces, documents }: { pieces: string[]; documents: boolean }): Promise<void> {
  interface Node {
    innerHTML: string
    srcdoc: string
    onload: () => void
    append(child: Node): void
    querySelectorAll(selector: string): Iterable<EventTarget>
    contentDocument: Node | null
    contentWindow: { Event: typeof Event } | null
  }
  const { document } = globalThis as unknown as {
    document: { createElement(name: string): Node; querySelector(s: string): Node }
  }
  const main = document.querySelector('main')
  const touch = (root: Node | null, Kind: typeof Event) => {
    for (const element of root?.querySelectorAll('*') ?? []) {
      for (const kind of ['mouseover', 'focus', 'click', 'toggle', 'animationend', 'pointerenter', 'scroll']) {
        element.dispatchEvent(new Kind(kind, { bubbles: true, cancelable: true }))
      }
    }
  }
  for (const piece of pieces) {
    const place = document.createElement('div')
    place.innerHTML = piece
    main.append(place)
    touch(place, Event)
  }
  const loaded = (documents ? pieces : []).map(
    (piece) =>
      new Promise<void>((resolve) => {
        const frame = document.createElement('iframe')
        const timer = setTimeout(resolve, 5_000)
        frame.onload = () => {
          clearTimeout(timer)
          resolve()
          try {
            touch(frame.contentDocument, frame.contentWindow!.Event)
          } catch {
            // It went elsewhere: that is a request, and counted.
          }
        }
        frame.srcdoc = piece
        main.append(frame)
      }),
  )
  await Promise.all(loaded)
  // Violations are told in tasks of their own, shortly after.
  for (let n = 0; n < 3; n++) await new Promise((resolve) => setTimeout(resolve, 30))
}
