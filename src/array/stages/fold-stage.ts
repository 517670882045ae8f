/** Reductions over outer axes: the kernel walks over the elements that are left, side by side, and carries their states. */
import type { DType } from '../expression/dtype.ts'
import type { FoldJob } from '../jobs/job.ts'
import { type Carried, Carrying } from '../reductions/carrying.ts'
import { roundsOf } from '../jobs/fold.ts'
import { States } from '../reductions/states.ts'
import { accumulatorOf } from '../reductions/table.ts'
import { blockLength } from '../kernel/ir.ts'
import type { ValueId } from '../kernel/ir.ts'
import type { Accumulator } from '../reductions/reduction.ts'
import type { Lowering } from './lower.ts'
import type { ReduceNode } from '../expression/node.ts'
import { countNode, finished, outerShape, partialNode, reductionOf, stateNode } from './state-node.ts'
import type { Layout } from './layout.ts'
import { describeNode, expressionOf, type Stage } from './stage.ts'

/** One reduction in a fold: its carried words, and where they begin among those of the job. */
export interface Fold {
  readonly dtype: DType
  readonly accumulator: Accumulator
  readonly carried: readonly Carried[]
  readonly first: number
}

export function foldStage(
  nodes: readonly ReduceNode[],
  lowering: Lowering,
  values: readonly ValueId[],
  { outer, count }: Layout,
): Stage {
  const builder = new Carrying(lowering)
  const folds = nodes.map((node, i) => addFold(builder, node, values[i] as ValueId))
  const blocks = Math.ceil(outer / blockLength)
  // Enough tasks to share, but none below some 260,000 elements.
  const segments = Math.max(
    1,
    Math.min(Math.ceil(16 / Math.max(1, blocks)), Math.floor((count * outer) / (64 * blockLength)), count),
  )
  const bytes = 8 * segments * builder.carried.length * outer
  let states = new SharedArrayBuffer(0)
  const layout = { rounds: count, length: outer, segments, carried: builder.carried }
  return {
    nodes,
    bytes,
    jobs() {
      states = new SharedArrayBuffer(bytes)
      if (outer === 0) return []
      const job: FoldJob = {
        kind: 'fold',
        label: `${nodes.map(({ rule }) => rule.name).join(', ')} of ${describeNode((nodes[0] as ReduceNode).input)} over axis ${nodes[0]?.axes.join(', ')}`,
        tasks: segments * blocks,
        expression: expressionOf(lowering),
        ...layout,
        roundParameters: builder.roundParameters,
        states,
      }
      return [job]
    },
    finish() {
      for (const fold of folds) mergeFold({ ...layout, states }, fold)
      return new Map(
        nodes.map((node, i) => {
          const { carried, first, accumulator } = folds[i] as Fold
          const words = carried.map(({ dtype }, w) => stateNode(states, dtype, outerShape(node), (first + w) * outer, 1))
          // A count in front is the same everywhere, and not carried.
          while (words.length < accumulator.words) words.unshift(countNode(outerShape(node), count))
          return [node, node.partial ? partialNode(node, words) : finished(node, words, count)]
        }),
      )
    },
  }
}

/** Adds a reduction to those that the kernel carries. */
export function addFold(builder: Carrying, node: ReduceNode, raw: ValueId): Fold {
  const { program, carried } = builder
  const reduction = reductionOf(node)
  const dtype: DType = program.dtype(raw) === 'i64' && reduction.carriesInt64 ? 'i64' : 'f64'
  const first = carried.length
  const kind = reduction.sideBySide(builder, program.cast(raw, dtype), dtype)
  return { dtype, accumulator: accumulatorOf(kind), carried: carried.slice(first), first }
}

/** Merges the segments of every element, neighbours first, into the first segment. */
function mergeFold(
  job: Pick<FoldJob, 'rounds' | 'length' | 'segments' | 'carried' | 'states'>,
  { dtype, accumulator, carried, first }: Fold,
): void {
  const { segments, length } = job
  if (segments === 1) return
  const all = new States(job.states)
  const { words } = accumulator
  const [a, b] = [0, 1].map(() => new States(new ArrayBuffer(8 * words))) as [States, States]
  const lead = words - carried.length
  const at = (segment: number, word: number, element: number): number =>
    (segment * job.carried.length + first + word) * length + element
  const load = (into: States, segment: number, span: number, element: number): void => {
    if (lead === 1) into.f[0] = roundsOf(job, Math.min(segments, segment + span) - 1).to - roundsOf(job, segment).from
    for (let w = 0; w < carried.length; w++) into.i[w + lead] = all.i[at(segment, w, element)] as bigint
  }
  for (let span = 1; span < segments; span *= 2) {
    for (let segment = 0; segment + span < segments; segment += 2 * span) {
      for (let element = 0; element < length; element++) {
        load(a, segment, span, element)
        load(b, segment + span, span, element)
        accumulator.merge(dtype, a, 0, b, 0)
        for (let w = 0; w < carried.length; w++) all.i[at(segment, w, element)] = a.i[w + lead] as bigint
      }
    }
  }
}
