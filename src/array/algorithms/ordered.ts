/** Algorithms over the order of elements: histogram, quantile, topk and unique. All of them flatten their input. */
import { bytesPer, typedArray } from '../expression/dtype.ts'
import { keyCount, nanKey, type Comparable, orderedKey, sortedUnique, TopK } from '../jobs/ordering.ts'
import { between } from '../jobs/select.ts'
import type { Computed } from '../stages/lower.ts'
import type { AlgorithmNode, DenseNode, Node } from '../expression/node.ts'
import { denseNode, describeNode, type Prepared, type Stage } from '../stages/stage.ts'
import { blockJob, type Flat, flatten } from './blocks.ts'

type StageOf = (node: AlgorithmNode, flat: Flat, label: string) => Omit<Stage, 'nodes'>

/** Prepares a node whose only input is flattened. */
export const prepareOrdered =
  (stageOf: StageOf) =>
  (node: AlgorithmNode, computed: Computed): Prepared => {
    const flat = flatten(node.inputs, computed)
    if ('needs' in flat) return flat
    return { stage: { nodes: [node], ...stageOf(node, flat, `${node.name} of ${describeNode(node.inputs[0] as Node)}`) } }
  }

const single = (node: AlgorithmNode, dense: DenseNode): Map<Node, Node> => new Map([[node, dense]])

function f64Node(node: AlgorithmNode, values: ArrayLike<number>): DenseNode {
  const data = new Float64Array(new SharedArrayBuffer(8 * values.length))
  data.set(values)
  return denseNode('f64', node.shape, data.buffer)
}

/** The input holds the bin of each element already. */
export const histogramStage: StageOf = (node, flat, label) => {
  const bins = node.attributes['bins'] as number
  let counts = new SharedArrayBuffer(0)
  return {
    bytes: 8 * bins,
    jobs() {
      counts = new SharedArrayBuffer(8 * bins)
      return flat.length === 0 ? [] : [blockJob('histogram', label, flat, [counts], [bins])]
    },
    finish: () => single(node, f64Node(node, Array.from(new BigInt64Array(counts), Number))),
  }
}

/**
 * Exact, by radix selection: one pass counts the upper 16 bits of the elements, which shows where the wanted ranks lie; a second
 * one collects the elements there. NumPy's default, linear interpolation between neighbours.
 */
export const quantileStage: StageOf = (node, flat, label) => {
  const fractions = node.attributes['q'] as readonly number[]
  const { length, tasks } = flat
  const bytes = 4 * keyCount * Math.max(1, tasks)
  let found: readonly number[] = fractions.map(() => Number.NaN)
  return {
    bytes,
    *jobs() {
      if (length === 0) return
      const counts = new SharedArrayBuffer(bytes)
      yield blockJob('keys', `${label}: counts`, flat, [counts])
      const selection = new Selection(new Uint32Array(counts), tasks, length, fractions)
      if (selection.nan) return
      yield blockJob('select', `${label}: selection`, flat, [
        selection.wanted.buffer,
        selection.starts.buffer,
        selection.values.buffer,
      ])
      found = selection.quantiles()
    },
    finish: () => single(node, f64Node(node, found)),
  }
}

/** The keys between which the wanted ranks lie, and what was collected of them. */
class Selection {
  readonly nan: boolean
  readonly wanted = new Uint8Array(new SharedArrayBuffer(nanKey))
  readonly starts: Float64Array<SharedArrayBuffer>
  readonly values: Float64Array<SharedArrayBuffer>
  readonly #fractions: readonly number[]
  readonly #length: number
  /** Elements below each wanted key that were not collected. */
  readonly #skippedBefore = new Map<number, number>()

  constructor(counts: Uint32Array, tasks: number, length: number, fractions: readonly number[]) {
    this.#fractions = fractions
    this.#length = length
    const totals = new Float64Array(keyCount)
    for (let i = 0; i < tasks * keyCount; i++) (totals[i % keyCount] as number) += counts[i] as number
    this.nan = (totals[nanKey] as number) > 0
    const ranks = fractions.flatMap((q) => [Math.floor(q * (length - 1)), Math.ceil(q * (length - 1))]).sort((a, b) => a - b)
    let below = 0
    let skipped = 0
    for (let key = 0, next = 0; key < nanKey; key++) {
      const here = totals[key] as number
      while (next < ranks.length && (ranks[next] as number) < below + here) {
        this.wanted[key] = 1
        next++
      }
      if (this.wanted[key] === 1) this.#skippedBefore.set(key, skipped)
      else skipped += here
      below += here
    }
    this.starts = new Float64Array(new SharedArrayBuffer(8 * (tasks + 1)))
    for (let task = 0; task < tasks; task++) {
      let kept = 0
      for (const key of this.#skippedBefore.keys()) kept += counts[task * keyCount + key] as number
      this.starts[task + 1] = (this.starts[task] as number) + kept
    }
    this.values = new Float64Array(new SharedArrayBuffer(8 * (this.starts[tasks] as number)))
  }

  quantiles(): number[] {
    const sorted = this.values.sort()
    const words = new Int32Array(sorted.buffer)
    // The rank of a collected element is its place plus all that was skipped below its key.
    const rankOf = (i: number): number => i + (this.#skippedBefore.get(orderedKey(words[2 * i + 1] as number)) as number)
    const at = (rank: number): number => {
      let [low, high] = [0, sorted.length - 1]
      while (low < high) {
        const middle = (low + high) >> 1
        if (rankOf(middle) < rank) low = middle + 1
        else high = middle
      }
      return sorted[low] as number
    }
    return this.#fractions.map((q) => {
      const place = q * (this.#length - 1)
      const [a, b] = [at(Math.floor(place)), at(Math.ceil(place))]
      return between(a, b, place - Math.floor(place))
    })
  }
}

export const topkStage: StageOf = (node, flat, label) => {
  const asked = node.attributes['k'] as number
  const k = Math.abs(asked)
  const dtype = node.dtype as Comparable
  const bytes = 8 * k * Math.max(1, flat.tasks)
  let found = new SharedArrayBuffer(0)
  const counts = new SharedArrayBuffer(8 * Math.max(1, flat.tasks))
  return {
    bytes,
    jobs() {
      found = new SharedArrayBuffer(bytes)
      return flat.length === 0 || k === 0 ? [] : [blockJob('topk', label, flat, [found, counts], [k, Math.sign(asked)])]
    },
    finish() {
      const best = new TopK(k, asked > 0, dtype)
      if (k > 0) new Float64Array(counts).forEach((count, task) => best.add(typedArray(dtype, found, task * k, count), count))
      const data = typedArray(dtype, new SharedArrayBuffer(8 * k))
      data.set(best.result() as never)
      return single(node, denseNode(dtype, node.shape, data.buffer))
    },
  }
}

/** Every chunk is sorted and its repetitions dropped; then the same with all of them together. */
export const uniqueStage: StageOf = (node, flat, label) => {
  const width = bytesPer(node.dtype)
  const counts = new Float64Array(new SharedArrayBuffer(8 * Math.max(1, flat.tasks)))
  let room = new SharedArrayBuffer(0)
  return {
    bytes: flat.length * width,
    jobs() {
      room = new SharedArrayBuffer(flat.length * width)
      return flat.length === 0 ? [] : [blockJob('unique', label, flat, [room, counts.buffer])]
    },
    finish() {
      const all = typedArray(node.dtype, new SharedArrayBuffer(counts.reduce((a, b) => a + b) * width))
      let at = 0
      counts.forEach((count, task) => {
        all.set(typedArray(node.dtype, room, task * flat.chunkLength, count) as never, at)
        at += count
      })
      const distinct = all.subarray(0, sortedUnique(all))
      const result = typedArray(node.dtype, new SharedArrayBuffer(distinct.byteLength))
      result.set(distinct as never)
      return single(node, denseNode(node.dtype, [distinct.length], result.buffer))
    },
  }
}
