/** A small generator (mulberry32): the same seed, the same course of events. */
export class Random {
  #state: number

  constructor(readonly seed: number) {
    this.#state = seed >>> 0
  }

  /** In [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }

  /** An integer of [from, to]. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1))
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.next() * items.length)]
  }

  /** Up to `count` of them, in their order: a run of neighbours, or picked here and there. */
  some<T>(items: readonly T[], count: number): T[] {
    if (items.length === 0) return []
    if (this.chance(0.5)) {
      const from = this.between(0, items.length - 1)
      return items.slice(from, from + count)
    }
    return items.filter(() => this.chance(count / items.length)).slice(0, count)
  }
}
