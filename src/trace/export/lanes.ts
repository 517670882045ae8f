/** Which of several parallel lines something is drawn on, so that nothing lies on anything else. */
import { Heap } from '../../base/heap.ts'
import { orderBy } from '../explain/order.ts'

export interface Lanes {
  /** By item, from 0 up. */
  readonly of: Int32Array
  readonly count: number
}

/** The lowest line that is free when an item begins; `order` has the items in order of their beginning. O(n log lanes). */
export function layLanes(from: Float64Array, to: Float64Array, order: Uint32Array = orderBy(from)): Lanes {
  const of = new Int32Array(from.length).fill(-1)
  const free = new Heap<number>((a, b) => a < b)
  const ends: number[] = []
  const busy = new Heap<number>((a, b) => (ends[a] as number) < (ends[b] as number))
  for (const item of order) {
    const begin = from[item] as number
    for (let lane = busy.top; lane !== undefined && (ends[lane] as number) <= begin; lane = busy.top) {
      busy.pop()
      free.push(lane)
    }
    const lane = free.pop() ?? ends.length
    ends[lane] = Math.max(begin, to[item] as number)
    busy.push(lane)
    of[item] = lane
  }
  return { of, count: ends.length }
}
