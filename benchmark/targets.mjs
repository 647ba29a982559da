// What a line promises: `{ what, limit, better, of(rows) }`; rows are medians by contender. `null`: cannot be told here.

const OURS = 'email-native'

/** Ours is at most `limit`. */
export function atMost(key, limit) {
  return { what: key, limit: `≤ ${limit}`, of: (rows) => rows[OURS]?.[key] ?? null, met: (value) => value <= limit }
}

/** Ours is at least `limit`. */
export function atLeast(key, limit) {
  return { what: key, limit: `≥ ${limit}`, of: (rows) => rows[OURS]?.[key] ?? null, met: (value) => value >= limit }
}

/** The other needs at least `limit` times what ours needs. */
export function times(key, other, limit) {
  return {
    what: `${key}, ${other} / ours`,
    limit: `≥ ${limit}×`,
    of: (rows) => quotient(rows[other]?.[key], rows[OURS]?.[key]),
    met: (value) => value >= limit,
  }
}

/** Ours is at most `limit` times the other's. */
export function atMostTimes(key, other, limit) {
  return {
    what: `${key}, ours / ${other}`,
    limit: `≤ ${limit}×`,
    of: (rows) => quotient(rows[OURS]?.[key], rows[other]?.[key]),
    met: (value) => value <= limit,
  }
}

/** Ours is at least `limit` times the other's, where more is better. */
export function atLeastTimes(key, other, limit) {
  return {
    what: `${key}, ours / ${other}`,
    limit: `≥ ${limit}×`,
    of: (rows) => quotient(rows[OURS]?.[key], rows[other]?.[key]),
    met: (value) => value >= limit,
  }
}

/** Ours takes at most `limit` more than the other. */
export function beyond(key, other, limit) {
  return {
    what: `${key} beyond ${other}`,
    limit: `≤ ${limit}`,
    of: (rows) => (rows[other] && rows[OURS] ? rows[OURS][key] - rows[other][key] : null),
    met: (value) => value <= limit,
  }
}

function quotient(a, b) {
  return a === undefined || b === undefined ? null : a / b
}
