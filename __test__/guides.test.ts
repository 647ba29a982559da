// The set-up guides promise an error for each missed step: what they name is what a caller gets.

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

import { describe, expect, it } from 'vitest'

import { microsoft, OAuthClient } from '..'
import { failing } from './failing'

const folder = join(__dirname, '..', 'docs')
const guides = readdirSync(folder).filter((name) => name.startsWith('setup-'))
const provider = microsoft({
  clientId: '00000000-0000-4000-8000-000000000001',
  clientSecret: 'value',
  tenant: 'common',
})
const client = new OAuthClient(provider)
const redirectUri = 'https://crm.example/admin/settings/mail/oauth2'
const CODES = new Set(readFileSync(join(__dirname, '..', 'index.d.ts'), 'utf8').match(/'[A-Z]+(_[A-Z0-9]+)*'/g))

describe.each(guides)('%s', (name) => {
  const text = readFileSync(join(folder, name), 'utf8')
  const rows = text.split('\n').filter((line) => /^ *\|.*\bAADSTS\d/.test(line))

  it('names codes that exist', () => {
    const named = [...text.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code]) => `'${code}'`)
    expect(named.length).toBeGreaterThan(5)
    expect(named.filter((code) => !CODES.has(code))).toEqual([])
  })

  it('links to headings and files that exist', () => {
    const anchors = new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) => anchor(heading ?? '')))
    const links = [...text.matchAll(/\]\(([^)]+)\)/g)].map(([, link]) => link ?? '')
    for (const link of links) {
      if (link.startsWith('#')) expect(anchors, link).toContain(link.slice(1))
      else if (!link.startsWith('https://')) expect(readdirSync(folder), link).toContain(link)
    }
  })

  it('promises the code that the number gives', async () => {
    expect(rows.length).toBeGreaterThan(name.includes('microsoft') ? 15 : -1)
    for (const row of rows) {
      for (const [code, numbers] of promises(row)) {
        for (const number of numbers) expect(await codeOf(number), row).toBe(code)
      }
    }
  })
})

/** `CODE` with the AADSTS numbers after it, as a row of the guide pairs them. */
function promises(row: string): Array<[string, string[]]> {
  const cell = row.split('|').at(-2) ?? ''
  return cell
    .split(/(?=`[A-Z]+_[A-Z_]+`)/)
    .map((piece): [string, string[]] => [/^`([A-Z_]+)`/.exec(piece)?.[1] ?? '', piece.match(/\d{5,7}/g) ?? []])
    .filter(([code]) => code !== '')
}

async function codeOf(number: string): Promise<string> {
  const pending = client.authorizationUrl({ redirectUri })
  const callback = new URL(redirectUri)
  callback.searchParams.set('error', 'invalid_request')
  callback.searchParams.set('error_description', `AADSTS${number}: made up.`)
  callback.searchParams.set('state', pending.state)
  return (await failing(client.redeem(callback.href, pending))).code
}

/** As the usual renderers of Markdown make it. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s_-]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}
