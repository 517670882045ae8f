import { orderBy } from './order.ts'

interface Stream {
  readonly times: Float64Array
  readonly order: Uint32Array
  readonly apply: (item: number) => void
  next: number
}

/** Many streams of events, run in order of time; at the same time, in the order in which the streams were added. */
export class EventQueue {
  readonly #streams: Stream[] = []

  /** `apply(i)` belongs to the event at `times[i]`. Times need not be sorted. */
  add(times: readonly number[], apply: (item: number) => void): void {
    if (times.length === 0) return
    const keys = Float64Array.from(times)
    this.#streams.push({ times: keys, order: orderBy(keys), apply, next: 0 })
  }

  /** Calls `advance` with the time of each event, then applies it. */
  run(advance: (at: number) => void): void {
    const streams = this.#streams
    // When the next event of each stream comes, apart from the streams: this is read many times per event.
    const next = Float64Array.from(streams, (stream) => timeOf(stream))
    for (;;) {
      let [first, at] = [-1, Number.POSITIVE_INFINITY]
      for (let i = 0; i < next.length; i++) {
        const candidate = next[i] as number
        if (candidate < at) {
          first = i
          at = candidate
        }
      }
      const stream = streams[first]
      if (!stream) return
      advance(at)
      stream.apply(stream.order[stream.next++] as number)
      next[first] = timeOf(stream)
    }
  }
}

/** `Infinity` when none is left. */
function timeOf({ times, order, next }: Stream): number {
  return next < order.length ? (times[order[next] as number] as number) : Number.POSITIVE_INFINITY
}
