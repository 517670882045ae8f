/**
 * How long calls of one function took at home, by how deep they stand in the tree of forks: in a recursion the first ones are the largest by far. Reading the
 * clock costs as much as a trivial call, so that only a few are timed.
 */

/** The first calls are timed, and then one in this many. Chosen. */
const [timedAtFirst, timedEvery] = [8, 32]
const weight = 0.2
/** What lies deeper counts as this deep. Chosen. */
const deepest = 31

interface Level {
  ms: number | undefined
  calls: number
}

export class Cost {
  readonly #levels: Level[] = []

  /** Milliseconds; undefined until one so deep has been timed. */
  ms(depth: number): number | undefined {
    return this.#levels[Math.min(depth, deepest)]?.ms
  }

  /** Is this call to be timed? */
  due(depth: number): boolean {
    const calls = this.#level(depth).calls++
    return calls < timedAtFirst || calls % timedEvery === 0
  }

  note(ms: number, depth: number): void {
    const level = this.#level(depth)
    level.ms = level.ms === undefined ? ms : level.ms + weight * (ms - level.ms)
  }

  #level(depth: number): Level {
    return (this.#levels[Math.min(depth, deepest)] ??= { ms: undefined, calls: 0 })
  }
}
