/**
 * One computation: finds what is ready, runs it, and goes on until the targets are there. What several targets need is
 * computed once; targets of one shape share a pass; an intermediate result is dropped when nothing needs it any more.
 */
import { availableParallelism } from 'node:os'
import { Cancellation } from '../base/abort.ts'
import { BudgetExceeded } from '../base/errors.ts'
import { currentFrame } from '../base/frame.ts'
import type { Executor } from '../run/executor.ts'
import { expectedJobMs, formatBytes } from './cost.ts'
import { bytesPer } from './dtype.ts'
import { runJob } from './executor.ts'
import { type DenseNode, inputsOf, type Node, type ReduceNode } from './node.ts'
import { prepareConcat, prepareMaps } from './map-stage.ts'
import { prepareAlgorithm } from './algorithms/index.ts'
import { prepareReductions } from './reduce-stage.ts'
import { rebuilt, unknownBelow } from './refine.ts'
import { sizeOf } from './shape.ts'
import type { Prepared, Stage } from './stage.ts'

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined
  readonly memoryLimitBytes?: number | undefined
  readonly threads?: number | undefined
  readonly on?: Executor | undefined
}

export class Session {
  readonly computed = new Map<Node, DenseNode>()
  readonly #options: SessionOptions
  readonly #cancellation: Cancellation

  constructor(options: SessionOptions) {
    this.#options = options
    this.#cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(options.signal))
  }

  /** Computes the targets; each comes back as elements in memory. */
  async evaluate(targets: readonly Node[]): Promise<DenseNode[]> {
    const whole = await this.settleLengths(targets)
    for (;;) {
      const missing = whole.filter((node) => !this.#known(node))
      if (missing.length === 0) return whole.map((node) => this.#known(node) as DenseNode)
      for (const stage of readyStages(missing, this.computed)) await this.run(stage)
      this.#drop(whole)
    }
  }

  /** Computes what a stage of the caller's needs, then runs it. */
  async evaluateInto(prepare: (computed: ReadonlyMap<Node, DenseNode>) => Prepared): Promise<void> {
    for (;;) {
      const prepared = prepare(this.computed)
      if ('stage' in prepared) return this.run(prepared.stage)
      for (const stage of readyStages([...prepared.needs], this.computed)) await this.run(stage)
    }
  }

  /** The targets with all lengths known. */
  async settleLengths(targets: readonly Node[]): Promise<Node[]> {
    let current = [...targets]
    for (;;) {
      const unknown = unknownBelow(current, this.computed)
      if (unknown.length > 0) for (const stage of readyStages(unknown, this.computed)) await this.run(stage)
      const memo = new Map<Node, Node>()
      current = current.map((node) => rebuilt(node, this.computed, memo))
      if (unknown.length === 0) return current
    }
  }

  async run(stage: Stage): Promise<void> {
    this.#checkMemory(stage.bytes)
    const { threads = availableParallelism(), on } = this.#options
    for (const job of stage.jobs()) await runJob(job, expectedJobMs(job), { threads, on, cancellation: this.#cancellation })
    for (const [node, result] of stage.finish())
      this.computed.set(node, result.kind === 'dense' ? result : await this.#finish(result))
  }

  /** The last step of a reduction is an expression over its states. */
  async #finish(expression: Node): Promise<DenseNode> {
    const prepared = prepareMaps([expression], this.computed)
    if ('needs' in prepared) throw new TypeError('the states of a reduction need nothing')
    await this.run(prepared.stage)
    return this.computed.get(expression) as DenseNode
  }

  #checkMemory(bytes: number): void {
    const limit = this.#options.memoryLimitBytes ?? Number.POSITIVE_INFINITY
    let needed = bytes
    for (const { dtype, shape } of this.computed.values()) needed += sizeOf(shape) * bytesPer(dtype)
    if (needed <= limit) return
    throw new BudgetExceeded(
      `The computation needs ${formatBytes(needed)} at once, and \`memoryLimit\` is ${formatBytes(limit)}`,
      {
        hint: 'Save the array to a file, reduce it first, or raise the limit; explain() shows what takes the memory.',
      },
    )
  }

  #known(node: Node): DenseNode | undefined {
    return node.kind === 'dense' ? node : this.computed.get(node)
  }

  /** Forgets results that only computed nodes refer to. */
  #drop(targets: readonly Node[]): void {
    const reached = new Set<Node>()
    const pending = [...targets]
    for (let node = pending.pop(); node; node = pending.pop()) {
      if (reached.has(node)) continue
      reached.add(node)
      if (!this.computed.has(node)) pending.push(...inputsOf(node))
    }
    for (const node of this.computed.keys()) if (!reached.has(node)) this.computed.delete(node)
  }

  close(): void {
    this.#cancellation.close()
  }
}

/** The stages that can run now, on the way to the nodes. */
export function readyStages(targets: readonly Node[], computed: ReadonlyMap<Node, DenseNode>): Stage[] {
  const visited = new Set<Node>()
  const stages: Stage[] = []
  let pending = targets
  while (pending.length > 0) {
    const needed = new Set<Node>()
    for (const group of groups(pending)) {
      for (const node of group) visited.add(node)
      const prepared = prepare(group, computed)
      if ('stage' in prepared) stages.push(prepared.stage)
      else for (const node of prepared.needs) if (!visited.has(node)) needed.add(node)
    }
    pending = [...needed]
  }
  return stages
}

/** Nodes that one pass can compute together. */
function groups(nodes: readonly Node[]): Node[][] {
  const byKey = new Map<string, Node[]>()
  for (const node of new Set(nodes)) {
    const key = groupKey(node)
    const group = byKey.get(key)
    if (group) group.push(node)
    else byKey.set(key, [node])
  }
  return [...byKey.values()]
}

function groupKey(node: Node): string {
  if (node.kind === 'reduce') return `reduce ${node.input.shape.join()} ${node.axes.join()}`
  if (node.kind === 'algorithm' || node.kind === 'concat') return `alone ${node.id}`
  return `map ${node.shape.join()}`
}

export function prepare(group: readonly Node[], computed: ReadonlyMap<Node, DenseNode>): Prepared {
  const [first] = group as [Node]
  switch (first.kind) {
    case 'reduce':
      return prepareReductions(group as readonly ReduceNode[], computed)
    case 'concat':
      return prepareConcat(first, computed)
    case 'algorithm':
      return prepareAlgorithm(first, computed)
    default:
      return prepareMaps(group, computed)
  }
}
