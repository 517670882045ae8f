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
    let live = this.#streams
    while (live.length > 0) {
      let first = live[0] as Stream
      let at = time(first)
      for (const stream of live) {
        const candidate = time(stream)
        if (candidate < at) [first, at] = [stream, candidate]
      }
      advance(at)
      first.apply(first.order[first.next++] as number)
      if (first.next === first.order.length) live = live.filter((stream) => stream !== first)
    }
  }
}

function time(stream: Stream): number {
  return stream.times[stream.order[stream.next] as number] as number
}
