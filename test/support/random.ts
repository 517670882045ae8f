/** A seeded source of randomness, so that a run that failed can be had again. */
export interface Random {
  /** From 0 up to, and without, 1. */
  next(): number
  /** A whole number from 0 up to, and without, `bound`. */
  below(bound: number): number
  pick<T>(list: readonly T[]): T
}

/** mulberry32, by Tommy Ettinger: small, and good enough to shuffle tests. */
export function randomFrom(seed: number): Random {
  let state = seed >>> 0
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let t = state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
  const below = (bound: number): number => Math.floor(next() * bound)
  return { next, below, pick: (list) => list[below(list.length)] as (typeof list)[number] }
}
