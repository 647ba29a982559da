// The simulated Microsoft's sign-in pages, passed through this server: its CA is made up, and a person's browser does not
// trust it. Only pages pass; tokens go straight from the addon to the simulated Microsoft, over verified TLS.

import { request as httpsRequest } from 'node:https'

export function signInPages(world, origin) {
  const upstream = new URL(world.oauth.endpoints.authorizationEndpoint).origin
  return {
    /** The authorization URL as the browser is to open it. */
    visible: (url) => url.replace(upstream, origin),

    pass(request, response) {
      const { method, headers, url } = request
      return new Promise((resolve) => {
        const onward = httpsRequest(
          new URL(url, upstream),
          { method, ca: world.ca, headers: { ...headers, host: new URL(upstream).host, origin: upstream } },
          (answer) => {
            response.writeHead(answer.statusCode, forClearText(answer.headers, upstream, origin))
            answer.pipe(response).once('close', resolve)
          },
        )
        onward.once('error', () => resolve(response.writeHead(502).end()))
        request.pipe(onward)
      })
    },
  }
}

/** Cookies without `Secure`, and redirects back to this server. */
function forClearText(headers, upstream, origin) {
  const changed = { ...headers }
  delete changed['strict-transport-security']
  if (changed.location) changed.location = changed.location.replace(upstream, origin)
  if (changed['set-cookie']) {
    changed['set-cookie'] = changed['set-cookie'].map((cookie) => cookie.replace(/; (Secure|SameSite=None)/gi, ''))
  }
  return changed
}
