/** Chosen: a program has a few timeouts that it uses again and again, and each kept one weighs about a kilobyte. */
const keptIdle = 16

/**
 * What the calls of one function with the same timeout share. A timeout may be computed for each call, such as what is left of a deadline, so what
 * has no open call is kept only as long as there are few.
 */
export class ByTimeout<T> {
  readonly #known = new Map<number, T>()

  get size(): number {
    return this.#known.size
  }

  /** @param make gets the function to call each time that no call is open */
  get(timeoutMs: number, make: (idle: () => void) => T): T {
    const known = this.#known.get(timeoutMs)
    if (known !== undefined) return known
    const made: T = make(() => {
      if (this.#known.size > keptIdle && this.#known.get(timeoutMs) === made) this.#known.delete(timeoutMs)
    })
    this.#known.set(timeoutMs, made)
    return made
  }
}
