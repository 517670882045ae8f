/** Which of several parallel lines something is drawn on, so that nothing lies on anything else. */
import { orderBy } from '../explain/order.ts'

export interface Lanes {
  /** By item, from 0 up. */
  readonly of: Int32Array
  readonly count: number
}

/** The lowest line that is free when an item begins; `order` has the items in order of their beginning. O(n log lanes). */
export function layLanes(from: Float64Array, to: Float64Array, order: Uint32Array = orderBy(from)): Lanes {
  const of = new Int32Array(from.length).fill(-1)
  const free = new Heap((a, b) => a - b)
  const ends: number[] = []
  const busy = new Heap((a, b) => (ends[a] as number) - (ends[b] as number))
  for (const item of order) {
    const begin = from[item] as number
    for (let lane = busy.first(); lane !== undefined && (ends[lane] as number) <= begin; lane = busy.first()) {
      busy.take()
      free.put(lane)
    }
    const lane = free.take() ?? ends.length
    ends[lane] = Math.max(begin, to[item] as number)
    busy.put(lane)
    of[item] = lane
  }
  return { of, count: ends.length }
}

/** A binary heap of numbers. */
class Heap {
  readonly #items: number[] = []
  readonly #compare: (a: number, b: number) => number

  constructor(compare: (a: number, b: number) => number) {
    this.#compare = compare
  }

  first(): number | undefined {
    return this.#items[0]
  }

  put(item: number): void {
    const items = this.#items
    let at = items.push(item) - 1
    while (at > 0) {
      const above = (at - 1) >> 1
      if (this.#compare(items[above] as number, item) <= 0) break
      items[at] = items[above] as number
      at = above
    }
    items[at] = item
  }

  take(): number | undefined {
    const items = this.#items
    const first = items[0]
    const last = items.pop()
    if (items.length === 0 || last === undefined) return first
    let at = 0
    for (let below = 1; below < items.length; below = 2 * at + 1) {
      if (below + 1 < items.length && this.#compare(items[below + 1] as number, items[below] as number) < 0) below++
      if (this.#compare(last, items[below] as number) <= 0) break
      items[at] = items[below] as number
      at = below
    }
    items[at] = last
    return first
  }
}
