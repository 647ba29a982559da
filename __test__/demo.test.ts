import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { chromium } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = dirname(__dirname)
const CHROMIUM = '/usr/bin/chromium'
/** The picture in README.md: taken again on demand, by `SCREENSHOT=1 npx vitest run __test__/demo.test.ts`. */
const PICTURE = join(root, 'docs', 'demo.png')

describe('the demo', () => {
  test('in the terminal: every step checked, 80 columns', async () => {
    const { code, output } = await program(['demo/terminal.mjs'])
    expect(code, output).toBe(0)
    expect(output).not.toContain('✗')
    expect(output.match(/✓/g)!.length).toBeGreaterThanOrEqual(9)
    for (const line of output.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
  }, 60_000)

  test('--diagnose: a healthy and a broken set-up side by side', async () => {
    const { code, output } = await program(['demo/terminal.mjs', '--diagnose'])
    expect(code, output).toBe(0)
    expect(output).not.toContain('✗')
    const [table, advice] = output.split('What to do about the broken one')
    expect(table).toMatch(/client id, secret +✓ \d+ ms +! CLIENT_REJECTED/)
    expect(table).toMatch(/IMAP: mailbox +✓ \d+ ms +! MAILBOX_UNAVAILABLE/)
    expect(table).toMatch(/SMTP: sign-in +✓ \d+ ms +! SMTP_AUTH_DISABLED/)
    for (const words of ['Certificates & secrets', 'Manage email apps', 'step 3', 'step 6']) {
      expect(advice.replace(/\s+/g, ' ')).toContain(words)
    }
    for (const line of output.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80)
  }, 60_000)

  test('a step that fails is told by the exit code', async () => {
    const { code, output } = await program(['demo/terminal.mjs', '--microsoft'])
    expect(code).toBe(2)
    expect(output).toContain('--client-id')
  })
})

const why = existsSync(CHROMIUM) ? '' : ' (chromium is not installed)'

describe.skipIf(why !== '')(`the page in a browser${why}`, () => {
  let server: ReturnType<typeof spawn>
  let url: string

  beforeAll(async () => {
    server = spawn(process.execPath, ['demo/web/main.mjs', '--port', '0'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    url = await new Promise((resolve, reject) => {
      server.stdout!.on('data', (chunk) => {
        const found = /http:\/\/localhost:\d+/.exec(String(chunk))
        if (found) resolve(found[0])
      })
      server.once('exit', (code) => reject(new Error(`the page's server ended with code ${code}`)))
    })
  }, 60_000)
  afterAll(() => server?.kill('SIGTERM'))

  test('settings → link → sign in → inbox → open → reply', async () => {
    const browser = await chromium.launch({
      executablePath: CHROMIUM,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    })
    try {
      const page = await browser.newPage({ viewport: { width: 1200, height: 760 } })
      const foreign: string[] = []
      page.on('request', (request) => {
        if (!request.url().startsWith(url) && !request.url().startsWith('data:')) foreign.push(request.url())
      })
      await page.goto(url)
      await page.getByRole('button', { name: 'Link Outlook account' }).click()

      await signIn(page)
      await page.waitForSelector('#list button')
      expect(await page.locator('#list button').count()).toBeGreaterThan(10)
      await page.locator('#list button', { hasText: 'Onboarding: what we need' }).click()
      await page.waitForSelector('#message:not([hidden])')
      expect(await page.locator('#subject').textContent()).not.toBe('')
      const image = page.frameLocator('#body').locator('img[src^="data:image/"]').first()
      await image.waitFor()
      expect(await image.evaluate((img) => (img as HTMLImageElement).naturalWidth)).toBeGreaterThan(0)
      if (process.env.SCREENSHOT) {
        await page.evaluate(() => document.querySelector('#list')!.scrollTo(0, 0))
        mkdirSync(dirname(PICTURE), { recursive: true })
        await page.screenshot({ path: PICTURE })
      }
      await page.fill('#reply textarea', 'Thank you!')
      await page.getByRole('button', { name: 'Reply' }).click()
      await page.waitForFunction(() => document.querySelector('#sent')?.textContent?.startsWith('Sent to'))
      expect(foreign).toEqual([])
    } finally {
      await browser.close()
    }
  }, 60_000)

  /** The sign-in page, then the permissions. */
  async function signIn(page: import('playwright-core').Page): Promise<void> {
    await page.waitForSelector('input[name=username]')
    await page.fill('input[name=username]', 'robin.sample@contoso.example')
    await page.fill('input[name=password]', 'correct horse battery staple')
    await page.locator('button.main').last().click()
    await page.getByRole('button', { name: 'Accept' }).click()
  }
})

function program(args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (output += chunk))
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
