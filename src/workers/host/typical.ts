/**
 * What something usually takes, by the last few times. A thread that lost its core meanwhile measures the machine: on a busy one a slice of 4 ms may take 40, and
 * a mean would believe it. The lower median of a few needs three such samples to be misled, and follows a true change after three.
 */

/** Chosen: odd, so that one is in the middle. */
const mostSamples = 5

export class Typical {
  readonly #samples: number[] = []

  /** Gives the lower median of the last few. */
  add(ms: number): number {
    this.#samples.push(ms)
    if (this.#samples.length > mostSamples) this.#samples.shift()
    const sorted = [...this.#samples].sort((a, b) => a - b)
    return sorted[(sorted.length - 1) >> 1] as number
  }
}
