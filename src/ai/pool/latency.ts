/** How long a model takes, as measured: the median of its latest answers. Pure. */

/** What is measured: an answer as a whole, or a stream up to its first content. */
export type Timed = 'whole' | 'stream'

/** Answers that count. Chosen: enough for a median that one slow answer does not move. */
const kept = 32
/** After this long without an answer the figures are forgotten, and the model is tried again. Chosen. */
const forgottenMs = 60_000

export class Latency {
  readonly #latest: Record<Timed, number[]> = { whole: [], stream: [] }
  readonly #at: Record<Timed, number> = { whole: Number.NEGATIVE_INFINITY, stream: Number.NEGATIVE_INFINITY }

  add(kind: Timed, ms: number, now: number): void {
    const list = this.#latest[kind]
    if (now - this.#at[kind] > forgottenMs) list.length = 0
    this.#at[kind] = now
    list.push(ms)
    if (list.length > kept) list.shift()
  }

  /** Undefined where nothing was measured lately. */
  medianMs(kind: Timed, now: number): number | undefined {
    const list = this.#latest[kind]
    if (list.length === 0 || now - this.#at[kind] > forgottenMs) return undefined
    const sorted = list.toSorted((a, b) => a - b)
    return sorted[sorted.length >> 1]
  }
}
