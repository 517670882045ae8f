/**
 * One long row of doubles sorted by all threads: its elements are spread over buckets by the upper 16 bits of their keys, in which they are in
 * order, and each bucket is sorted by itself.
 */
import type { BlockJob, BlockTask } from './job.ts'
import { nanKey, orderedKey } from './ordering.ts'
import { sortDoubles } from './radix.ts'

/** Buffers: the bucket of each key (u16), where each task writes for each bucket (tasks × buckets, f64), the result. Numbers: buckets. */
export function spread(job: BlockJob, task: number): BlockTask {
  const [ofKey, starts, results] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer, SharedArrayBuffer]
  const [buckets] = job.numbers as [number]
  const bucketOf = Uint16Array.from(new Uint16Array(ofKey))
  const next = Float64Array.from(new Float64Array(starts, 8 * task * buckets, buckets))
  const result = new Float64Array(results)
  return {
    block([values], _, count) {
      const from = values as Float64Array
      const words = new Int32Array(from.buffer, from.byteOffset, 2 * count)
      for (let i = 0; i < count; i++) {
        const value = from[i] as number
        const bucket = bucketOf[value === value ? orderedKey(words[2 * i + 1] as number) : nanKey] as number
        const at = next[bucket] as number
        next[bucket] = at + 1
        result[at] = value
      }
    },
  }
}

/** A task for each bucket. Buffers: where they begin (f64, one more than there are), the elements. */
export function sortParts(job: BlockJob, task: number): BlockTask {
  const [starts, elements] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer]
  const [from, to] = new Float64Array(starts, 8 * task, 2) as unknown as [number, number]
  return {
    block() {},
    end: () => sortDoubles(new Float64Array(elements, 8 * from, to - from)),
  }
}
