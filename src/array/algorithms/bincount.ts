/** How often each whole number from 0 up is there, or the sum of the weights beside it. Inputs: the numbers, their least and largest, weights. */
import { InvalidOption } from '../../base/errors.ts'
import { typedArray } from '../expression/dtype.ts'
import { cast } from '../expression/build.ts'
import type { AlgorithmNode, DenseNode, Node } from '../expression/node.ts'
import { sizeOf } from '../expression/shape.ts'
import type { Computed } from '../stages/lower.ts'
import { denseNode, describeNode, type Prepared } from '../stages/stage.ts'
import { blockJob, flatten, inMemory } from './blocks.ts'

/** Each takes 8 bytes, and 16 more on each thread. */
const mostBins = 2 ** 27

export function prepareBincount(node: AlgorithmNode, computed: Computed): Prepared {
  const [numbers, least, largest, ...weights] = node.inputs as [Node, Node, Node, ...Node[]]
  const needs = new Set<Node>()
  const ends = [inMemory(least, computed, needs), inMemory(largest, computed, needs)] as const
  const flat = flatten([casts(numbers), ...weights], computed)
  if (!ends[0] || !ends[1] || 'needs' in flat) return { needs: 'needs' in flat ? new Set([...needs, ...flat.needs]) : needs }
  const [low, high] = [firstOf(ends[0]), firstOf(ends[1])]
  const empty = sizeOf(numbers.shape) === 0
  const bins = Math.max(node.attributes['minlength'] as number, empty ? 0 : high + 1)
  // Sums of floating point are added task by task, so that they have the same bits for any number of threads.
  const tasks = Math.max(1, Math.min(flat.tasks, Math.floor((1 << 24) / Math.max(1, bins))))
  const chunkLength = Math.max(1, Math.ceil(flat.length / tasks))
  const shared = { ...flat, expression: flat.expression, chunkLength, tasks: Math.ceil(flat.length / chunkLength) }
  let result = new SharedArrayBuffer(0)
  return {
    stage: {
      nodes: [node],
      bytes: 8 * bins * (weights.length > 0 ? tasks : 1),
      jobs() {
        if (!empty && low < 0)
          throw new InvalidOption(`Expected the numbers of bincount to be from 0 up, got ${low}`, { hint: 'Add to them first.' })
        if (bins > mostBins)
          throw new InvalidOption(`Expected the numbers of bincount to be below ${mostBins}, got ${high}`, {
            hint: 'Count them with `unique(x, { counts: true })`, whose room follows from how many different ones there are.',
          })
        result = new SharedArrayBuffer(8 * bins * (weights.length > 0 ? shared.tasks || 1 : 1))
        if (flat.length === 0) return []
        const label = `counts of ${describeNode(numbers)}`
        return [blockJob(weights.length > 0 ? 'weigh' : 'histogram', label, weights.length > 0 ? shared : flat, [result], [bins])]
      },
      finish() {
        const sums = new Float64Array(new SharedArrayBuffer(8 * bins))
        if (weights.length === 0) sums.set(Array.from(new BigInt64Array(result), Number))
        else new Float64Array(result).forEach((sum, i) => (sums[i % bins] = (sums[i % bins] as number) + sum))
        return new Map([[node, denseNode('f64', [bins], sums.buffer)]])
      },
    },
  }
}

const casts = (node: Node): Node => cast(node, 'i32')
const firstOf = ({ dtype, buffer, offset }: DenseNode): number => Number(typedArray(dtype, buffer, offset, 1)[0])
