/**
 * What runs beside what on one machine: anything, or one batch that nothing may run beside, because machines were lost with it and it is not known whose doing that
 * was. While one is alone, or waits until it is, nothing else is fetched; what had been handed out already is given back, so that no neighbour is lost with it.
 */
export interface Fetching {
  pause(): Promise<void>
  resume(): void
}

export class Company {
  readonly #fetching = new Set<Fetching>()
  #here = 0
  #alone = false
  #emptied: (() => void) | undefined

  /** Everything that fetches for the machine. */
  add(fetching: Fetching): void {
    this.#fetching.add(fetching)
  }

  remove(fetching: Fetching): void {
    this.#fetching.delete(fetching)
  }

  /** What is to be called when the batch has ended; undefined where it cannot be begun here now. */
  async enter(alone: boolean): Promise<(() => void) | undefined> {
    if (this.#alone) return undefined
    if (!alone) {
      this.#here++
      return () => {
        if (--this.#here === 0) this.#emptied?.()
      }
    }
    this.#alone = true
    await Promise.allSettled([...this.#fetching].map((each) => each.pause()))
    if (this.#here > 0) await new Promise<void>((resolve) => (this.#emptied = resolve))
    this.#emptied = undefined
    return () => {
      this.#alone = false
      for (const each of this.#fetching) each.resume()
    }
  }
}
