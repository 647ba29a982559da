'use strict'

/*
 * What a test may make the server do wrong, switched on and off while it runs, for everybody or for one user. Only
 * data here; the places that misbehave ask for it.
 */

/**
 * @typedef {object} Throttle
 * @property {number} ms the "Suggested Backoff Time"
 * @property {'NO' | 'BAD'} [status] default NO
 * @property {string} [code] a response code instead of Exchange's sentence, e.g. `THROTTLED`
 * @property {string[]} [commands] which (default: every command after login)
 * @property {number} [times] how often (default: until cleared)
 * @property {boolean} [bye] close the connection afterwards, as Exchange does
 */

/**
 * @typedef {object} WireFaults
 * @property {number | null} cutAfter the connection breaks after that many bytes of protocol from the server
 * @property {{ bytes: number, ms: number } | null} slow pieces of `bytes`, `ms` apart
 * @property {boolean} halfOpen the connection stays, but nothing more comes or is read
 */

/**
 * @typedef {WireFaults & {
 *   latencyMs: number,
 *   throttle: Throttle | null,
 *   notConnected: boolean,
 *   expireAfterMessages: number | null,
 *   expireWithoutBye: boolean,
 *   stubBodies: true | number[] | null,
 *   emptyFetch: true | number[] | null,
 *   refuseFetch: true | number[] | null,
 *   dropFetch: true | number[] | null,
 *   refuseBinary: true | number[] | null,
 *   dropBinary: true | number[] | null,
 *   duplicateRows: true | number[] | null,
 *   brokenStructure: true | number[] | null,
 *   nilInternalDate: true | number[] | null,
 *   spacedAddresses: boolean,
 *   unknownWords: boolean,
 *   sizeOffset: number,
 *   uidNextOffset: number,
 *   noHighestModseq: boolean
 * }} FaultSet
 */

/** @type {FaultSet} */
const NONE = {
  /** What the client sends arrives this much later: the round trip of a distant server. */
  latencyMs: 0,
  slow: null,
  cutAfter: null,
  halfOpen: false,
  throttle: null,
  /** `BAD User is authenticated but not connected.` to everything after login. */
  notConnected: false,
  /** Within a FETCH, BYE comes after so many messages; once. */
  expireAfterMessages: null,
  /** The same without a word: the connection just ends. */
  expireWithoutBye: false,
  /** UIDs whose body is Exchange's "couldn't retrieve" text. */
  stubBodies: null,
  /** UIDs for which a FETCH of BODY[] succeeds without any data (MailKit#1615); HEADER and TEXT work. */
  emptyFetch: null,
  /** UIDs at whose body a FETCH ends with NO; the messages before them are given. */
  refuseFetch: null,
  /** UIDs at whose body the connection ends: a message that the server itself stumbles over. */
  dropFetch: null,
  /** UIDs of which BINARY[…] is refused, as if their encoding were unknown (RFC 3516 §4.3). */
  refuseBinary: null,
  /** UIDs at whose BINARY[…] the session ends with BYE: Dovecot, where an encoded part ends too early. */
  dropBinary: null,
  /** UIDs that a FETCH gives twice. */
  duplicateRows: null,
  /** UIDs with a BODYSTRUCTURE as broken as Exchange's sometimes are: NIL where the grammar has a list. */
  brokenStructure: null,
  /** UIDs whose INTERNALDATE is NIL. */
  nilInternalDate: null,
  /** ENVELOPE with a space between two addresses, which the grammar does not have. */
  spacedAddresses: false,
  /** Untagged responses that no RFC knows, before every tagged one. */
  unknownWords: false,
  /** Added to every RFC822.SIZE. */
  sizeOffset: 0,
  /** Added to every UIDNEXT. */
  uidNextOffset: 0,
  /** SELECT and STATUS forget HIGHESTMODSEQ (RFC 7162's NOMODSEQ). */
  noHighestModseq: false,
}

class Faults {
  constructor() {
    /** @type {Partial<FaultSet>} */
    this.everybody = {}
    /** @type {Map<string, Partial<FaultSet>>} */
    this.users = new Map()
    /** @type {Map<string | null, FaultSet>} */
    this.merged = new Map()
  }

  /**
   * Switches faults on; those not named stay as they are.
   *
   * @param {Partial<FaultSet>} faults
   * @param {{ user?: string }} [options]
   */
  set(faults, { user } = {}) {
    for (const name of Object.keys(faults)) if (!(name in NONE)) throw new TypeError(`Unknown fault ${name}`)
    if (user === undefined) this.everybody = { ...this.everybody, ...faults }
    else this.users.set(user.toLowerCase(), { ...this.users.get(user.toLowerCase()), ...faults })
    this.merged.clear()
  }

  /** Back to a fair server. */
  clear() {
    this.everybody = {}
    this.users.clear()
    this.merged.clear()
  }

  /**
   * @param {string | null} user null before login
   * @returns {FaultSet}
   */
  of(user) {
    let faults = this.merged.get(user)
    if (faults === undefined) {
      faults = { ...NONE, ...this.everybody, ...(user === null ? {} : this.users.get(user)) }
      this.merged.set(user, faults)
    }
    return faults
  }

  /**
   * Whether to throttle this command; counts `times` down.
   *
   * @param {string | null} user
   * @param {string} command
   * @returns {Throttle | null}
   */
  takeThrottle(user, command) {
    const { throttle } = this.of(user)
    if (throttle === null || (throttle.commands !== undefined && !throttle.commands.includes(command))) return null
    if (throttle.times !== undefined) {
      if (throttle.times <= 0) return null
      throttle.times--
    }
    return throttle
  }

  /**
   * The fault that fires once: takes it off.
   *
   * @param {string | null} user
   */
  takeExpireAfterMessages(user) {
    const count = this.of(user).expireAfterMessages
    if (count === null) return null
    for (const layer of [this.everybody, this.users.get(user ?? '')]) if (layer) layer.expireAfterMessages = null
    this.merged.clear()
    return count
  }
}

/**
 * @param {true | number[] | null} uids
 * @param {number} uid
 */
function hits(uids, uid) {
  return uids === true || (uids !== null && uids.includes(uid))
}

module.exports = { Faults, hits }
