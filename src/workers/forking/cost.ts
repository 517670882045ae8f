/** How long calls of one function took at home. Reading the clock costs as much as a trivial call, so that only a few are timed. */

/** The first calls are timed, and then one in this many. Chosen. */
const [timedAtFirst, timedEvery] = [8, 32]
const weight = 0.2

export class Cost {
  /** Undefined until one has been timed. */
  ms: number | undefined
  #calls = 0

  /** Is this call to be timed? */
  due(): boolean {
    const calls = this.#calls++
    return calls < timedAtFirst || calls % timedEvery === 0
  }

  note(ms: number): void {
    this.ms = this.ms === undefined ? ms : this.ms + weight * (ms - this.ms)
  }
}
