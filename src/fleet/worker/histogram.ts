/** Times in buckets, as Prometheus counts them: each bucket holds what is at most as long. */

/** In seconds; chosen for batches of a fifth of a second. */
const bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60] as const

export class Histogram {
  readonly #counts: number[] = bounds.map(() => 0)
  #count = 0
  #sum = 0

  note(ms: number): void {
    const seconds = Math.max(0, ms) / 1_000
    this.#count++
    this.#sum += seconds
    for (const [i, bound] of bounds.entries()) if (seconds <= bound) this.#counts[i] = (this.#counts[i] as number) + 1
  }

  /** In the text format of Prometheus, without its head. @param labels as `cause="quota"` */
  lines(name: string, labels = ''): string {
    const all = (more: string): string => (labels === '' ? more : `${labels},${more}`)
    const bare = labels === '' ? '' : `{${labels}}`
    return [
      ...bounds.map((bound, i) => `${name}_bucket{${all(`le="${bound}"`)}} ${this.#counts[i]}\n`),
      `${name}_bucket{${all('le="+Inf"')}} ${this.#count}\n`,
      `${name}_sum${bare} ${this.#sum}\n`,
      `${name}_count${bare} ${this.#count}\n`,
    ].join('')
  }
}
