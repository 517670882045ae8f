/** One long row sorted by all threads: counted by key, spread over buckets, and each bucket sorted; see `jobs/spread.ts`. */
import { cast, full } from '../expression/build.ts'
import type { AlgorithmNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import { keyCount } from '../jobs/ordering.ts'
import { allocate } from '../stages/map-stage.ts'
import type { Computed } from '../stages/lower.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { blockJob, flatten, type Flat } from './blocks.ts'

/** From here on three passes cost less than one thread alone takes. */
export const longRow = 1 << 19
/** Elements of a bucket that stay in the second-level cache; of one key there may be more. */
const bucketLength = 1 << 15
/** Each task keeps a number for each. */
const mostBuckets = 2_048

export function prepareLongSort(node: AlgorithmNode, computed: Computed): Prepared {
  const [input] = node.inputs as [Node]
  const flat = flatten([cast(input, 'f64')], computed)
  if ('needs' in flat) return flat
  const size = sizeOf(node.shape)
  const bytes = 4 * keyCount * flat.tasks
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: 8 * size + bytes,
      *jobs() {
        const counts = new SharedArrayBuffer(bytes)
        const label = `sort of ${describeNode(input)}`
        yield blockJob('keys', `${label}: counts`, flat, [counts])
        const { bucketOf, starts, begins } = layOut(new Uint32Array(counts), flat.tasks, size)
        result = allocate('f64', node.shape)
        const buckets = begins.length - 1
        yield blockJob('spread', `${label}: buckets`, flat, [bucketOf.buffer, starts.buffer, result], [buckets])
        yield { ...blockJob('sortParts', label, oneEach(buckets, computed), [begins.buffer, result]), elements: 8 * size }
      },
      finish: () => new Map([[node, denseNode('f64', node.shape, result)]]),
    },
  }
}

interface Buckets {
  readonly bucketOf: Uint16Array<SharedArrayBuffer>
  /** Where each task writes for each bucket. */
  readonly starts: Float64Array<SharedArrayBuffer>
  /** Where each bucket begins, and the end. */
  readonly begins: Float64Array<SharedArrayBuffer>
}

/** Neighbouring keys share a bucket until it is full. */
function layOut(counts: Uint32Array, tasks: number, size: number): Buckets {
  const wanted = Math.max(bucketLength, size / mostBuckets)
  const bucketOf = new Uint16Array(new SharedArrayBuffer(2 * keyCount))
  const begins = [0]
  let [bucket, filled, total] = [0, 0, 0]
  for (let key = 0; key < keyCount; key++) {
    let here = 0
    for (let task = 0; task < tasks; task++) here += counts[task * keyCount + key] as number
    if (filled > 0 && filled + here > wanted) {
      begins.push(total)
      bucket++
      filled = 0
    }
    bucketOf[key] = bucket
    filled += here
    total += here
  }
  begins.push(total)
  const buckets = bucket + 1
  const own = new Float64Array(tasks * buckets)
  for (let i = 0; i < tasks * keyCount; i++) {
    const at = Math.floor(i / keyCount) * buckets + (bucketOf[i % keyCount] as number)
    own[at] = (own[at] as number) + (counts[i] as number)
  }
  const starts = new Float64Array(new SharedArrayBuffer(8 * tasks * buckets))
  for (let b = 0; b < buckets; b++) {
    let at = begins[b] as number
    for (let task = 0; task < tasks; task++) {
      starts[task * buckets + b] = at
      at += own[task * buckets + b] as number
    }
  }
  const shared = new Float64Array(new SharedArrayBuffer(8 * begins.length))
  shared.set(begins)
  return { bucketOf, starts, begins: shared }
}

/** A task for each bucket; nothing is computed for it. */
function oneEach(count: number, computed: Computed): Flat {
  const flat = flatten([full([count], 'bool', 0)], computed) as Flat
  return { expression: flat.expression, length: count, chunkLength: 1, tasks: count }
}
