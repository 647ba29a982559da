'use strict'

/*
 * Flags as RFC 3501 §2.3.2 has them: system flags are compared without regard to case and always shown in the RFC's
 * spelling; keywords are compared without regard to case, too, and keep the spelling a mailbox saw first.
 */

/** Everything a client may set. `\Recent` is the session's, not the message's, and is never stored. */
const SYSTEM_FLAGS = ['\\Answered', '\\Flagged', '\\Deleted', '\\Seen', '\\Draft']

const CANONICAL = new Map(SYSTEM_FLAGS.map((flag) => [flag.toLowerCase(), flag]))

/**
 * The mailbox's spelling of a flag.
 *
 * @param {string} flag
 * @param {Map<string, string>} keywords lower-case → spelling; a new keyword is added
 * @returns {string | null} null for a flag that cannot be stored (`\Recent`, unknown system flags)
 */
function canonicalFlag(flag, keywords) {
  const lower = flag.toLowerCase()
  if (lower.startsWith('\\')) return CANONICAL.get(lower) ?? null
  const known = keywords.get(lower)
  if (known !== undefined) return known
  keywords.set(lower, flag)
  return flag
}

/**
 * @param {Set<string>} current
 * @param {'add' | 'remove' | 'set'} how
 * @param {string[]} flags in canonical spelling
 * @returns {Set<string> | null} null when nothing changes
 */
function changeFlags(current, how, flags) {
  const next = new Set(how === 'set' ? flags : current)
  if (how === 'add') for (const flag of flags) next.add(flag)
  if (how === 'remove') for (const flag of flags) next.delete(flag)
  const same = next.size === current.size && [...next].every((flag) => current.has(flag))
  return same ? null : next
}

module.exports = { SYSTEM_FLAGS, canonicalFlag, changeFlags }
