/** Reductions over outer axes: the kernel walks over the elements that are left, side by side, and carries their states. */
import type { DType } from '../expression/dtype.ts'
import type { FoldJob } from '../jobs/job.ts'
import type { Measure } from '../reductions/measure.ts'
import { roundsOf } from '../jobs/fold.ts'
import { mergeStates, States, wordsOf } from '../reductions/measure.ts'
import { blockLength } from '../kernel/ir.ts'
import type { KernelProgram, ValueId } from '../kernel/ir.ts'
import type { Lowering } from './lower.ts'
import type { Node, ReduceNode } from '../expression/node.ts'
import { finished, stateNode } from '../reductions/reduce-finish.ts'
import type { Layout } from './layout.ts'
import { describeNode, expressionOf, type Stage } from './stage.ts'

interface Carried {
  readonly dtype: DType
  readonly start: number | bigint
}

/** One reduction in a fold: its carried words, and where they begin among those of the job. */
interface Fold {
  readonly measure: Measure
  readonly carried: readonly Carried[]
  readonly first: number
}

export function foldStage(
  nodes: readonly ReduceNode[],
  lowering: Lowering,
  values: readonly ValueId[],
  { outer, count }: Layout,
): Stage {
  const builder = new FoldBuilder(lowering)
  const folds = nodes.map((node, i) => builder.add(node, values[i] as ValueId))
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
        label: `${nodes.map(({ name }) => name).join(', ')} of ${describeNode((nodes[0] as ReduceNode).input)} over axis ${nodes[0]?.axes.join(', ')}`,
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
          const { carried, first, measure } = folds[i] as Fold
          const words: Node[] = carried.map(({ dtype }, w) => stateNode(states, dtype, node.shape, (first + w) * outer, 1))
          // Moments carry mean and squares; the count is the same everywhere.
          return [node, finished(node, measure.kind === 'moments' ? [words[0] as Node, ...words] : words, count)]
        }),
      )
    },
  }
}

/** Merges the segments of every element, neighbours first, into the first segment. */
function mergeFold(
  job: Pick<FoldJob, 'rounds' | 'length' | 'segments' | 'carried' | 'states'>,
  { measure, carried, first }: Fold,
): void {
  const { segments, length } = job
  if (segments === 1) return
  const all = new States(job.states)
  const words = wordsOf(measure.kind)
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
        mergeStates(measure, a, 0, b, 0)
        for (let w = 0; w < carried.length; w++) all.i[at(segment, w, element)] = a.i[w + lead] as bigint
      }
    }
  }
}

class FoldBuilder {
  readonly carried: Carried[] = []
  readonly roundParameters: { index: number; what: 'round' | 'count' }[] = []
  readonly #lowering: Lowering
  readonly #program: KernelProgram

  constructor(lowering: Lowering) {
    this.#lowering = lowering
    this.#program = lowering.program
  }

  add(node: ReduceNode, raw: ValueId): Fold {
    const own = this.#program.dtype(raw) === 'i64' && ['sum', 'prod', 'min', 'max', 'argmin', 'argmax'].includes(node.name)
    const dtype: DType = own ? 'i64' : 'f64'
    const value = this.#program.cast(raw, dtype)
    const first = this.carried.length
    const kind = this.#steps(node, dtype, value)
    return { measure: { kind, dtype, reduction: -1, extra: -1 }, carried: this.carried.slice(first), first }
  }

  /** Adds the words that the reduction carries, and how each follows from the next element. */
  #steps(node: ReduceNode, dtype: DType, value: ValueId): Measure['kind'] {
    const { name } = node
    switch (name) {
      case 'sum':
      case 'mean':
        if (dtype === 'i64') {
          this.#carry('i64', 0n, (sum) => this.#program.operation('add', 'i64', 'i64', [sum, value]))
          return 'wrap'
        }
        this.#sum(value)
        return 'sum'
      case 'prod':
        this.#carry(dtype, dtype === 'i64' ? 1n : 1, (product) =>
          this.#program.operation('multiply', dtype, dtype, [product, value]),
        )
        return 'prod'
      case 'any':
      case 'all':
        this.#carry('f64', name === 'any' ? 0 : 1, (held) => this.#f(name === 'any' ? 'maximum' : 'minimum', held, value))
        return name
      case 'min':
      case 'max':
        this.#carry(dtype, extremeStart(name, dtype), (held) =>
          this.#program.operation(name === 'min' ? 'minimum' : 'maximum', dtype, dtype, [held, value]),
        )
        return name
      case 'var':
      case 'std':
        this.#moments(value)
        return 'moments'
      case 'argmin':
      case 'argmax':
        this.#argument(name, dtype, value)
        return name
    }
  }

  #f(name: 'add' | 'subtract' | 'multiply' | 'divide' | 'minimum' | 'maximum', a: ValueId, b: ValueId): ValueId {
    return this.#program.operation(name, 'f64', 'f64', [a, b])
  }

  #word(dtype: DType, start: number | bigint): { readonly value: ValueId; become(next: ValueId): void } {
    this.carried.push({ dtype, start })
    const value = this.#program.input(dtype)
    const over = this.#program.inputs.length - 1
    return { value, become: (next) => this.#program.outputs.push({ value: next, over }) }
  }

  #carry(dtype: DType, start: number | bigint, step: (held: ValueId) => ValueId): void {
    const word = this.#word(dtype, start)
    word.become(step(word.value))
  }

  /** Knuth's TwoSum, as in the states of whole rows. */
  #sum(value: ValueId): void {
    const sum = this.#word('f64', 0)
    const error = this.#word('f64', 0)
    const next = this.#f('add', sum.value, value)
    const part = this.#f('subtract', next, sum.value)
    const lost = this.#f('add', this.#f('subtract', sum.value, this.#f('subtract', next, part)), this.#f('subtract', value, part))
    sum.become(next)
    error.become(this.#f('add', error.value, lost))
  }

  /** Welford's recurrence (1962). */
  #moments(value: ValueId): void {
    const mean = this.#word('f64', 0)
    const squares = this.#word('f64', 0)
    const distance = this.#f('subtract', value, mean.value)
    const next = this.#f('add', mean.value, this.#f('divide', distance, this.#round('count')))
    mean.become(next)
    squares.become(this.#f('add', squares.value, this.#f('multiply', distance, this.#f('subtract', value, next))))
  }

  #argument(name: 'argmin' | 'argmax', dtype: DType, value: ValueId): void {
    const program = this.#program
    const best = this.#word(dtype, extremeStart(name === 'argmin' ? 'min' : 'max', dtype))
    const index = this.#word('f64', -1)
    const logic = (op: 'logicalAnd' | 'logicalOr', a: ValueId, b: ValueId): ValueId =>
      program.operation(op, 'bool', 'bool', [a, b])
    const none = program.operation('less', 'f64', 'bool', [index.value, this.#constant(0)])
    let better = logic(
      'logicalOr',
      none,
      program.operation(name === 'argmin' ? 'less' : 'greater', dtype, 'bool', [value, best.value]),
    )
    if (dtype === 'f64') {
      const isNaN = (v: ValueId): ValueId => program.operation('isnan', 'f64', 'bool', [v])
      better = logic(
        'logicalOr',
        better,
        logic('logicalAnd', isNaN(value), program.operation('logicalNot', 'bool', 'bool', [isNaN(best.value)])),
      )
    }
    best.become(program.operation('where', dtype, dtype, [better, value, best.value]))
    index.become(program.operation('where', 'f64', 'f64', [better, this.#round('round'), index.value]))
  }

  #constant(value: number): ValueId {
    this.#lowering.parameters.push(value)
    return this.#program.parameter('f64')
  }

  #round(what: 'round' | 'count'): ValueId {
    const value = this.#constant(0)
    this.roundParameters.push({ index: this.#lowering.parameters.length - 1, what })
    return value
  }
}

function extremeStart(side: 'min' | 'max', dtype: DType): number | bigint {
  if (dtype === 'i64') return side === 'max' ? -(2n ** 63n) : 2n ** 63n - 1n
  return side === 'max' ? Number.NEGATIVE_INFINITY : Number.POSITIVE_INFINITY
}
