/** Orders of tasks from keys. */
import type { Problem } from './problem.ts'

/** Sorts whole numbers by keys, equal keys by number, much faster than with a function that compares. */
export class KeySort {
  readonly #packed: Float64Array

  constructor(size: number) {
    this.#packed = new Float64Array(size)
  }

  /** @param keys whole, from 0 up */
  orderOf(keys: Float64Array): Uint32Array {
    const packed = this.#packed
    const size = packed.length
    let largest = 0
    for (let t = 0; t < size; t++) {
      const key = keys[t] as number
      if (key > largest) largest = key
      packed[t] = key * size + t
    }
    const order = new Uint32Array(size)
    // Beyond that, key and number do not fit into one.
    if ((largest + 1) * size > Number.MAX_SAFE_INTEGER) {
      for (let t = 0; t < size; t++) order[t] = t
      return order.sort((a, b) => (keys[a] as number) - (keys[b] as number) || a - b)
    }
    packed.sort()
    for (let i = 0; i < size; i++) order[i] = (packed[i] as number) % size
    return order
  }
}

/** The same order, except that each task stands after those that it needs. O(tasks + links). */
export function keepingNeeds({ dag }: Problem, order: Uint32Array): Uint32Array {
  const placed = new Uint8Array(dag.size)
  const kept = new Uint32Array(dag.size)
  let count = 0
  const open: number[] = []
  for (const start of order) {
    if (placed[start] === 1) continue
    open.push(start)
    while (open.length > 0) {
      const task = open.at(-1) as number
      let waits = false
      for (let e = dag.needStart[task] as number; e < (dag.needStart[task + 1] as number); e++) {
        const need = dag.needs[e] as number
        if (placed[need] === 0) {
          open.push(need)
          waits = true
        }
      }
      if (waits) continue
      open.pop()
      if (placed[task] === 1) continue
      placed[task] = 1
      kept[count++] = task
    }
  }
  return kept
}
