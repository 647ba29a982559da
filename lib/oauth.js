'use strict'

const { run, runSync } = require('./call.js')
const { encode, encodeAll, fieldOf, withoutCall } = require('./encode.js')
const { invalidArgument } = require('./error.js')
const { loadHook, saveHook } = require('./hooks.js')
const native = require('./native.js')

/** Only this module makes these objects: their constructors take the key. */
const KEY = Symbol('email-native')

/** Native handle of each provider and source; nothing of it shows in `inspect` or JSON. */
const handles = new WeakMap()

class OAuthProvider {
  constructor(key, info, handle) {
    if (key !== KEY) throw invalidArgument('make an OAuthProvider with microsoft(), google() or discoverProvider()')
    Object.assign(this, info)
    handles.set(this, handle)
    Object.freeze(this)
  }
}

function microsoft(options) {
  return makeProvider(microsoft, native.microsoft, options)
}

function google(options) {
  return makeProvider(google, native.google, options)
}

function makeProvider(method, make, options) {
  return runSync(
    method,
    () => make(encode(options ?? null, 'options').json),
    (info, { handle }) => new OAuthProvider(KEY, info, handle),
  )
}

function discoverProvider(options) {
  return run(
    discoverProvider,
    options,
    (call) => native.discoverProvider(call, encode(withoutCall(options), 'options').json),
    (info, { handle }) => new OAuthProvider(KEY, info, handle),
  )
}

class OAuthClient {
  #native

  constructor(provider, options) {
    const made = runSync(
      OAuthClient,
      () => native.oauthClient(providerHandle(provider), encode(options ?? {}, 'options').json),
      (_json, { handle }) => handle,
    )
    this.#native = made
    Object.defineProperty(this, 'provider', { value: provider, enumerable: true })
  }

  authorizationUrl(options) {
    const args = () => encode(options ?? null, 'options').json
    return runSync(this.authorizationUrl, () => this.#native.authorizationUrl(args()), identity)
  }

  adminConsentUrl(options) {
    const args = () => encode(options ?? null, 'options').json
    return runSync(this.adminConsentUrl, () => this.#native.adminConsentUrl(args()), identity)
  }

  redeem(callbackUrl, pending, options) {
    return this.#call(this.redeem, options, 'redeem', { callbackUrl, pending })
  }

  refresh(refreshToken, options) {
    return this.#call(this.refresh, options, 'refresh', { refreshToken, options })
  }

  clientCredentials(options) {
    return this.#call(this.clientCredentials, options, 'clientCredentials', { options })
  }

  startDeviceAuthorization(options) {
    return this.#call(this.startDeviceAuthorization, options, 'startDeviceAuthorization', {})
  }

  pollDeviceAuthorization(device, options) {
    return this.#call(this.pollDeviceAuthorization, options, 'pollDeviceAuthorization', { device })
  }

  profile(refreshToken, options) {
    return this.#call(this.profile, options, 'profile', { refreshToken })
  }

  revoke(token, options) {
    return this.#call(this.revoke, options, 'revoke', { token }).then(() => undefined)
  }

  tokenSource(options) {
    return runSync(
      this.tokenSource,
      () => {
        const [tokens, load, save] = ['tokens', 'load', 'save'].map((name) => fieldOf(options, name))
        return this.#native.tokenSource(encode(tokens ?? null, 'tokens').json, loadHook(load), saveHook(save))
      },
      (_json, { handle }) => new TokenSource(KEY, handle),
    )
  }

  #call(method, options, name, args) {
    return run(method, options, (call) => this.#native[name](call, encodeAll(args).json), identity, Object.keys(args))
  }
}

class TokenSource {
  constructor(key, handle) {
    if (key !== KEY) throw invalidArgument('make a TokenSource with OAuthClient.tokenSource()')
    handles.set(this, handle)
  }

  current() {
    return runSync(this.current, () => sourceHandle(this).current(), identity)
  }

  accessToken(options) {
    return run(this.accessToken, options, (call) => sourceHandle(this).accessToken(call), identity)
  }
}

function providerHandle(provider) {
  if (provider instanceof OAuthProvider && handles.has(provider)) return handles.get(provider)
  throw invalidArgument('provider is not an OAuthProvider of this copy of the addon')
}

function sourceHandle(source) {
  const handle = source instanceof TokenSource ? handles.get(source) : undefined
  if (handle === undefined) throw invalidArgument('not a TokenSource of this copy of the addon')
  return handle
}

function identity(json) {
  return json
}

module.exports = {
  OAuthClient,
  OAuthProvider,
  TokenSource,
  discoverProvider,
  google,
  microsoft,
  providerHandle,
  sourceHandle,
}
