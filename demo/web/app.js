// The page's own script: no framework, no dependency.

const $ = (id) => document.getElementById(id)

async function call(path, body) {
  const options = body && { method: 'POST', body: JSON.stringify(body) }
  const response = await fetch(path, options)
  const value = await response.json()
  if (response.ok) return value
  show(`${value.code ?? 'Error'}: ${value.message}${value.action ? ` (${value.action})` : ''}`)
  throw new Error(value.message)
}

function show(problem) {
  $('problem').textContent = problem
  $('problem').hidden = problem === ''
}

const { linked, settings } = await call('/api/state')
const failed = new URLSearchParams(location.hash.slice(1)).get('error')
if (failed) show(failed)
if (linked) await showInbox(linked)
else showSettings(settings)

function showSettings({ clientId, clientSecret }) {
  const form = $('settings')
  form.hidden = false
  form.clientId.value = clientId
  form.clientSecret.value = clientSecret
  form.addEventListener('submit', async (event) => {
    event.preventDefault()
    await call('/api/settings', { clientId: form.clientId.value, clientSecret: form.clientSecret.value })
    location.href = '/link'
  })
}

async function showInbox({ name, email }) {
  $('who').textContent = `${name} <${email}>`
  $('mail').hidden = false
  const rows = await call('/api/inbox')
  $('list').replaceChildren(...rows.map(row))
}

function row({ uid, from, subject, date, preview, files, seen }) {
  const button = document.createElement('button')
  button.className = seen ? '' : 'unread'
  button.dataset.uid = uid
  const sender = element('b', from?.name ?? from?.address ?? '')
  const when = element('time', date ? new Date(date).toLocaleDateString('en', { month: 'short', day: 'numeric' }) : '')
  const topic = element('span', `${files ? '⎘ ' : ''}${subject ?? '(no subject)'}`)
  button.append(sender, when, topic, element('small', preview))
  button.addEventListener('click', () => open(uid, button))
  return button
}

async function open(uid, button) {
  for (const other of $('list').children) other.classList.toggle('open', other === button)
  const { from, to, subject, safeHtml, text, attachments } = await call(`/api/mail?uid=${uid}`)
  button.className = 'open'
  $('message').hidden = false
  $('subject').textContent = subject ?? '(no subject)'
  $('people').textContent = `${from.map(person).join(', ')} → ${to.map(person).join(', ')}`
  $('files').replaceChildren(
    ...attachments
      .filter(({ inline }) => !inline)
      .map(({ filename, size }) => element('li', `⎘ ${filename} (${Math.ceil(size / 1024)} KB)`)),
  )
  $('body').srcdoc = safeHtml ?? `<pre style="white-space: pre-wrap; font: inherit">${escape(text ?? '')}</pre>`
  $('sent').textContent = ''
  $('reply').onsubmit = async (event) => {
    event.preventDefault()
    const { accepted } = await call('/api/reply', { uid, text: $('reply').text.value })
    $('sent').textContent = `Sent to ${accepted.join(', ')}`
    $('reply').reset()
  }
}

function person({ name, address }) {
  return name ? `${name} <${address}>` : address
}

function element(name, text) {
  const made = document.createElement(name)
  made.textContent = text
  return made
}

function escape(text) {
  return text.replace(/[&<>]/g, (c) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[c])
}
