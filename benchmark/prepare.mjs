// What lines prepare: a filled mailbox on a server, a sink for mail, or the same behind a slow link.

/** A line over one mailbox: `given` is what its contenders get. */
export function onMailbox(kind, more = {}, options = {}) {
  return async ({ messages, ...rest }, { server }) => {
    const imap = await server('imap.mjs', options)
    const { users, ...filled } = await imap.ask({ kind, count: messages, ...more })
    const { name, ...address } = imap.info
    return {
      where: `${filled.messages} messages, ${(filled.bytes / 1e6).toFixed(0)} MB, ${name}`,
      given: { ...rest, ...address, user: users[0], messages: filled.messages },
    }
  }
}

/** The same behind two links, without and with a round trip of `rttMs`: for contenders that use `roundTripsOf`. */
export async function behindLinks(prepared, rttMs, { server }) {
  const { host, port } = prepared.given
  const near = await server('delay.mjs', { target: { host, port }, rttMs: 0 })
  const far = await server('delay.mjs', { target: { host, port }, rttMs })
  return {
    where: `${prepared.where}, ${rttMs} ms round trip`,
    given: { ...prepared.given, nearPort: near.info.port, farPort: far.info.port, rttMs },
    before: () => far.ask('count'),
    after: () => far.ask('count'),
  }
}

/** A line over the sink. `given` is what its contenders get. */
export function onSink(more) {
  return async ({ messages }, { server }) => {
    const sink = await server('sink.mjs')
    return {
      where: `${messages} messages, a sink on loopback with TLS`,
      given: { ...sink.info, messages, ...more },
      before: () => sink.ask('count'),
      async after() {
        const { taken, sinkUtilization } = await sink.ask('count')
        if (taken !== messages) throw new Error(`the sink took ${taken} messages`)
        return { sinkUtilization }
      },
    }
  }
}
