/**
 * One computation: runs the stages that the planner finds ready until the targets are there. What several targets need is
 * computed once; targets of one shape share a pass; an intermediate result is dropped when nothing needs it any more.
 */
import { availableParallelism } from 'node:os'
import { Cancellation, cancelled } from '../../base/abort.ts'
import { BudgetExceeded, Cancelled } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import type { Executor } from '../../run/executor.ts'
import { formatBytes } from '../../base/bytes.ts'
import { expectedJobMs } from '../jobs/cost.ts'
import { bytesPer } from '../expression/dtype.ts'
import { runJob } from '../jobs/executor.ts'
import { prepareMaps } from '../stages/map-stage.ts'
import { type DenseNode, inputsOf, makeNode, type Node } from '../expression/node.ts'
import { isNeeded } from '../expression/part.ts'
import { Planner } from './planner.ts'
import { rebuilt, unknownBelow } from '../expression/refine.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { BlockCache } from '../stages/block-cache.ts'
import type { Prepared, Stage, StageContext } from '../stages/stage.ts'
import { identityView } from '../expression/view.ts'
import { accessThrough, isRun, stridesThrough } from '../memory/source.ts'
import { Turns } from '../stages/turns.ts'

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined
  readonly memoryLimitBytes?: number | undefined
  readonly threads?: number | undefined
  readonly on?: Executor | undefined
}

/** Results that nothing needs are looked for when this many bytes have come since the last time, or as many results as stayed. */
const droppedFromBytes = 1 << 20

export class Session {
  readonly computed = new Map<Node, DenseNode>()
  readonly #options: SessionOptions
  readonly #cancellation: Cancellation
  readonly #turns = new Turns()
  readonly #blocks = new BlockCache()
  /** What the results are kept for, of each computation that is under way: a stage may ask for one within another. */
  readonly #roots = new Set<readonly Node[]>()
  #bytesSinceDrop = 0
  #keptByDrop = 64

  constructor(options: SessionOptions) {
    this.#options = options
    this.#cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(options.signal))
  }

  /** Computes the targets; each comes back as elements in memory. */
  async evaluate(targets: readonly Node[]): Promise<DenseNode[]> {
    const whole = await this.settleLengths(targets)
    await this.#compute(whole, whole)
    return whole.map((node) => this.#known(node) as DenseNode)
  }

  /** Computes what a stage of the caller's needs, then runs it. */
  async evaluateInto(node: Node, prepare: (computed: ReadonlyMap<Node, DenseNode>) => Prepared): Promise<void> {
    for (;;) {
      const prepared = prepare(this.computed)
      if ('stage' in prepared) return this.run(prepared.stage)
      await this.#compute([...prepared.needs], [node])
    }
  }

  /** The targets with all lengths known. */
  async settleLengths(targets: readonly Node[]): Promise<Node[]> {
    let current = [...targets]
    for (;;) {
      const unknown = unknownBelow(current, this.computed)
      await this.#compute(unknown, [...current, ...unknown])
      current = rebuilt(current, this.computed)
      if (unknown.length === 0) return current
    }
  }

  /** Computes nodes of known shapes. @param roots what their results, and those below, are kept for @param parts gets the parts of arrays that it makes */
  async #compute(nodes: readonly Node[], roots: readonly Node[], parts: Node[] = []): Promise<void> {
    const planner = new Planner(this.computed)
    planner.demand(nodes)
    this.#roots.add(roots)
    try {
      for (;;) {
        while (!planner.look(this.#turns.until)) await this.#takeTurns()
        const stages = planner.next()
        if (stages.length === 0) return
        for (const stage of stages) {
          await this.#takeTurns()
          await this.run(stage)
          for (const node of stage.nodes) {
            if (node.kind === 'blocks' && node.whole) parts.push(node)
            planner.settled(node)
          }
        }
        this.#dropBetweenTimes()
      }
    } finally {
      this.#roots.delete(roots)
    }
  }

  /** Lets timers, I/O and whoever cancels get their turn. */
  async #takeTurns(): Promise<void> {
    await this.#turns.take()
    if (this.#cancellation.aborted) throw cancelled(this.#cancellation.reason, 'the computation')
  }

  async run(stage: Stage): Promise<void> {
    this.#checkMemory(stage.bytes)
    this.#bytesSinceDrop += stage.bytes
    const { threads = availableParallelism(), on } = this.#options
    for (const job of stage.jobs()) await runJob(job, expectedJobMs(job), { threads, on, cancellation: this.#cancellation })
    await stage.work?.(this.#contextOf(stage, threads))
    for (const [node, result] of stage.finish())
      this.computed.set(node, result.kind === 'dense' ? result : await this.#finish(result))
  }

  #contextOf(stage: Stage, threads: number): StageContext {
    return {
      cancellation: this.#cancellation,
      threads,
      blocks: this.#blocks,
      takeTurns: () => this.#takeTurns(),
      evaluate: (nodes) => this.evaluateParts(nodes, stage.nodes),
    }
  }

  /** Computes expressions that belong to the caller alone: their results are forgotten here. What `roots` need stays. */
  async evaluateParts(nodes: readonly Node[], roots: readonly Node[]): Promise<DenseNode[]> {
    const there = nodes.map((node) => inMemory(node, this.computed))
    const missing = nodes.filter((_, i) => there[i] === undefined)
    const parts: Node[] = []
    if (missing.length > 0) await this.#compute(missing, [...roots, ...roots.flatMap(inputsOf), ...missing], parts)
    const results = nodes.map((node, i) => there[i] ?? (this.#known(node) as DenseNode))
    // The whole stays wanted as long as there are other parts to come: these would stay with it.
    for (const node of [...missing, ...parts]) this.computed.delete(node)
    return results
  }

  /** The last step of a reduction is an expression over its states. */
  async #finish(expression: Node): Promise<DenseNode> {
    const prepared = prepareMaps([expression], this.computed)
    if ('needs' in prepared) throw new TypeError('the states of a reduction need nothing')
    await this.run(prepared.stage)
    const result = this.computed.get(expression) as DenseNode
    this.computed.delete(expression)
    return result
  }

  #checkMemory(bytes: number): void {
    const limit = this.#options.memoryLimitBytes ?? Number.POSITIVE_INFINITY
    if (limit === Number.POSITIVE_INFINITY) return
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

  /** A walk over the graph after each of many small stages would take longer than the stages. */
  #dropBetweenTimes(): void {
    const limited = this.#options.memoryLimitBytes !== undefined
    if (!limited && this.#bytesSinceDrop < droppedFromBytes && this.computed.size < 2 * this.#keptByDrop) return
    this.#drop([...this.#roots].flat())
    this.#bytesSinceDrop = 0
    this.#keptByDrop = Math.max(64, this.computed.size)
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
    for (const node of this.computed.keys()) if (!isNeeded(node, reached)) this.computed.delete(node)
  }

  /** Stops what is still under way, because nobody wants it any more. */
  abandon(): void {
    this.#cancellation.abort(new Cancelled('nobody waits for the rest of the computation'))
  }

  close(): void {
    this.#cancellation.close()
  }
}

/** What a node selects of elements in memory, where they lie one after the other. */
function inMemory(node: Node, computed: ReadonlyMap<Node, DenseNode>): DenseNode | undefined {
  const known = computed.get(node) ?? node
  const source = known.kind === 'view' ? (computed.get(known.input) ?? known.input) : known
  if (source.kind !== 'dense') return undefined
  const view = known.kind === 'view' ? known.view : identityView(known.shape)
  const { offset, strides } = stridesThrough(view, source.strides, source.offset)
  if (!isRun(accessThrough(identityView(node.shape), strides, offset))) return undefined
  return makeNode({ ...source, shape: node.shape, offset, strides: contiguousStrides(node.shape) })
}
