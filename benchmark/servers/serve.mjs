// The parent's side of a server process: `startServer` in children.mjs.

/** What the server was started with. */
export const given = JSON.parse(process.argv[2])

/** Tells what the server is, then answers questions until `stop`. */
export function serve(info, { answer = () => null, stop = () => {} } = {}) {
  process.on('message', async (question) => {
    if (question !== 'stop') return process.send(await answer(question))
    await stop()
    process.exit(0)
  })
  process.send(info)
}
