// Many mails, politely: one at a time, an interval between them, a state for each. What was interrupted goes on where it was.

import { SmtpClient, withWorld } from './mailbox.mjs'

await withWorld(async ({ smtpOptions, user, world }) => {
  // Rows of a table: in a plugin the state is stored after each outcome.
  const rows = Array.from({ length: 12 }, (_, number) => ({
    to: number === 4 ? 'left-the-company@contoso.example' : world.accounts[1].user,
    subject: `Newsletter for reader ${number}`,
    state: 'waiting',
  }))

  async function run(signal) {
    // A long list may come from an async generator: it is asked for one row ahead at most.
    const first = rows.findIndex(({ state }) => state === 'waiting')
    const messages = rows.slice(first).map(({ to, subject }) => ({ from: user, to, subject, text: 'News.' }))
    // Without `intervalMs` messages follow each other as fast as the server's limits allow.
    for await (const { index, result, error } of smtp.sendMany(messages, { intervalMs: 20, signal })) {
      const row = rows[first + index]
      if (result !== null) row.state = 'sent'
      // Nobody knows: look into Sent before it is sent again (find-sent.mjs).
      else if (error.delivery === 'unknown') row.state = 'unknown'
      else if (error.code === 'ABORTED') row.state = 'waiting'
      else if (error.retryable) row.state = `later (in ${error.retryAfterMs ?? '?'} ms)`
      else row.state = `refused: ${error.code}, ${error.action}`
    }
  }

  const smtp = await SmtpClient.connect(smtpOptions)
  // The user presses "pause".
  const pause = new AbortController()
  setTimeout(() => pause.abort(), 100)
  await run(pause.signal).catch((error) => {
    if (error.code !== 'ABORTED') throw error
    console.log(`paused, ${rows.filter(({ state }) => state === 'waiting').length} are waiting`)
  })
  await run()
  for (const { subject, state } of rows) console.log(`${subject}: ${state}`)
  await smtp.close()
})
