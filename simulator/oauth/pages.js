'use strict'

// The pages a person sees. No scripts, no foreign resources, plain forms: a browser, a test or `signIn` can fill them in.

const BRANDS = {
  microsoft: { accent: '#0067b8', name: 'Simulated Microsoft', path: '/common/login' },
  google: { accent: '#1a73e8', name: 'Simulated Google', path: '/signin' },
}

const STYLE = `
  :root { color-scheme: light dark; --card: #fff; --ink: #1b1b1b; --soft: #5e5e5e; --line: #c8c8c8; --back: #eef1f5 }
  @media (prefers-color-scheme: dark) { :root { --card: #24262b; --ink: #f2f2f2; --soft: #b4b4b4; --line: #55585f; --back: #15171b } }
  body { margin: 0; min-height: 100vh; display: grid; place-items: center; background: var(--back); color: var(--ink);
    font: 15px/1.5 system-ui, sans-serif }
  main { box-sizing: border-box; width: min(27rem, 100vw); padding: 2.25rem; background: var(--card); box-shadow: 0 2px 8px #0003 }
  .brand { margin: 0; color: var(--soft); font-size: .85rem } .brand b { color: var(--accent) }
  h1 { margin: .6rem 0 .4rem; font-size: 1.45rem; font-weight: 600 }
  label { display: block; margin-top: 1rem; font-size: .9rem }
  input { box-sizing: border-box; width: 100%; padding: .45rem .1rem; border: 0; border-bottom: 1px solid var(--line); background: none;
    color: inherit; font: inherit } input:focus { outline: 0; border-color: var(--accent) }
  .actions { display: flex; gap: .5rem; justify-content: flex-end; margin-top: 1.75rem }
  button { padding: .4rem 1.4rem; border: 1px solid var(--line); background: none; color: inherit; font: inherit; cursor: pointer }
  button.main { border-color: var(--accent); background: var(--accent); color: #fff }
  button.account { display: block; width: 100%; margin-top: .5rem; text-align: left }
  ul { padding-left: 1.2rem } li { margin: .35rem 0 }
  .error { color: #d13438 } .soft, details { color: var(--soft); font-size: .85rem } details { margin-top: 1.5rem }
  code { font-size: .95em; overflow-wrap: anywhere } td { padding: .1rem .6rem .1rem 0; vertical-align: top }`

/** @param {{ flow: any, sessions: any[], accounts: any[], error?: string }} page */
function loginPage({ flow, sessions, accounts, error }) {
  return page(flow.brand, 'Sign in', [
    `<h1>Sign in</h1>`,
    `<p>to continue to <b>${escape(flow.client.name)}</b></p>`,
    error ? `<p class="error" role="alert">${escape(error)}</p>` : '',
    sessions.length > 0 ? form(flow, 'login', sessions.map(accountButton).join('')) : '',
    form(
      flow,
      'login',
      `<label for="username">Email address</label>
      <input id="username" name="username" type="email" autocomplete="username" required value="${escape(flow.loginHint ?? '')}">
      <label for="password">Password</label>
      <input id="password" name="password" type="password" autocomplete="current-password" required>
      ${buttons('Sign in', 'Cancel')}`,
    ),
    accountHelp(accounts),
  ])
}

/** @param {{ flow: any }} page */
function mfaPage({ flow }) {
  return page(flow.brand, 'Approve sign-in', [
    `<h1>Approve sign-in request</h1>`,
    `<p class="soft">${escape(flow.account.user)}</p>`,
    `<p>This account wants a second factor. In this simulated world, one press is enough.</p>`,
    form(flow, 'mfa', buttons('Approve', 'Cancel')),
  ])
}

/** @param {{ flow: any, words: string[], organization?: string }} page */
function consentPage({ flow, words, organization }) {
  const whom = organization ? `everybody in <b>${escape(organization)}</b>` : `<b>${escape(flow.account.user)}</b>`
  return page(flow.brand, 'Permissions requested', [
    `<p class="soft">${escape(flow.account.user)}</p>`,
    `<h1>Permissions requested</h1>`,
    `<p><b>${escape(flow.client.name)}</b> would like to do this for ${whom}:</p>`,
    `<ul>${words.map((word) => `<li>${escape(word)}</li>`).join('')}</ul>`,
    `<p class="soft">Accepting lets this app use your data as said above. You can withdraw it at any time.</p>`,
    form(flow, 'consent', buttons('Accept', 'Cancel')),
  ])
}

/** @param {{ flow: any, error: { message: string } }} page */
function needAdminPage({ flow, error }) {
  return page(flow.brand, 'Need admin approval', [
    `<p class="soft">${escape(flow.account.user)}</p>`,
    `<h1>Need admin approval</h1>`,
    `<p><b>${escape(flow.client.name)}</b> needs permission to access resources in your organization that only an admin can grant.
      Please ask an admin to grant permission to this app before you can use it.</p>`,
    `<p class="soft">${escape(error.message)}</p>`,
    form(flow, 'consent', buttons(null, 'Return to the application without granting consent')),
  ])
}

/** @param {{ brand: 'microsoft' | 'google', action: string, error?: string, code?: string }} page */
function deviceCodePage({ brand, action, error, code = '' }) {
  return page(brand, 'Enter code', [
    `<h1>Enter code</h1>`,
    `<p>Enter the code displayed on your app or device.</p>`,
    error ? `<p class="error" role="alert">${escape(error)}</p>` : '',
    `<form method="post" action="${escape(action)}"><label for="user_code">Code</label>
      <input id="user_code" name="user_code" autocomplete="off" required value="${escape(code)}">${buttons('Next', null)}</form>`,
  ])
}

/** @param {'microsoft' | 'google'} brand @param {string} title @param {string} text */
function messagePage(brand, title, text) {
  return page(brand, title, [`<h1>${escape(title)}</h1>`, `<p id="message">${escape(text)}</p>`])
}

/** `response_mode=form_post`, with a button in place of the script that submits it elsewhere. */
function formPostPage(redirectUri, parameters) {
  const inputs = Object.entries(parameters).map(
    ([name, value]) => `<input type="hidden" name="${escape(name)}" value="${escape(value)}">`,
  )
  return page('microsoft', 'Continue', [
    `<form method="post" action="${escape(redirectUri)}">${inputs.join('')}${buttons('Continue', null)}</form>`,
  ])
}

function form(flow, step, content) {
  return `<form method="post" action="${BRANDS[flow.brand].path}">
    <input type="hidden" name="flow" value="${flow.id}"><input type="hidden" name="step" value="${step}">${content}</form>`
}

function buttons(accept, cancel) {
  const no = cancel && `<button name="decision" value="cancel" formnovalidate>${escape(cancel)}</button>`
  const yes = accept && `<button class="main" name="decision" value="continue">${escape(accept)}</button>`
  // The first submit button of a form is what the Enter key presses, so "yes" comes first; the eye finds it on the right.
  return `<div class="actions" style="flex-direction: row-reverse; justify-content: flex-start">${yes ?? ''}${no ?? ''}</div>`
}

function accountButton({ user, name }) {
  return `<button class="account" name="pick" value="${escape(user)}">${escape(name)}<br><span class="soft">${escape(user)}</span></button>`
}

function accountHelp(accounts) {
  const rows = accounts.map(
    ({ user, password }) => `<tr><td><code>${escape(user)}</code></td><td><code>${escape(password)}</code></td></tr>`,
  )
  return `<details><summary>Accounts of this simulated world</summary><table>${rows.join('')}</table></details>`
}

function page(brand, title, parts) {
  const { accent, name } = BRANDS[brand]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escape(title)}</title><style>:root { --accent: ${accent} }${STYLE}</style></head>
<body><main><p class="brand"><b>■</b> ${name} · for tests only</p>${parts.join('\n')}</main></body></html>
`
}

function escape(text) {
  return String(text).replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`)
}

module.exports = { loginPage, mfaPage, consentPage, needAdminPage, deviceCodePage, messagePage, formPostPage }
