/**
 * What something usually takes, by the last few times. A thread that lost its core meanwhile measures the machine: on a busy one a slice of 4 ms may take 40, and
 * a mean would believe it. The lower median of a few needs three such samples to be misled, and follows a true change after three.
 */

/** Chosen: odd, so that one is in the middle. */
const mostSamples = 5

export class Typical {
  readonly #samples: number[] = []
  /** The lower median of the last few; undefined before the first. */
  usual: number | undefined

  /** Gives {@link usual}. */
  add(sample: number): number {
    this.#samples.push(sample)
    if (this.#samples.length > mostSamples) this.#samples.shift()
    const sorted = [...this.#samples].sort((a, b) => a - b)
    return (this.usual = sorted[(sorted.length - 1) >> 1] as number)
  }
}
