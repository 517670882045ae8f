/**
 * One computation: runs the stages that the planner finds ready until the targets are there. What several targets need is
 * computed once; targets of one shape share a pass; an intermediate result is dropped when nothing needs it any more.
 */
import { availableParallelism, totalmem } from 'node:os'
import { Cancellation, cancelled } from '../../base/abort.ts'
import { BudgetExceeded, Cancelled } from '../../base/errors.ts'
import { currentFrame } from '../../base/frame.ts'
import type { Executor } from '../../run/executor.ts'
import { formatBytes } from '../../base/bytes.ts'
import { expectedJobMs } from '../jobs/cost.ts'
import { bytesPer } from '../expression/dtype.ts'
import { runJob } from '../jobs/executor.ts'
import * as build from '../expression/build.ts'
import { isOneRow, sortIntoFile } from '../algorithms/external-sort.ts'
import { blocksIntoFile } from '../stages/blocks-stage.ts'
import { prepareFile, prepareMaps } from '../stages/map-stage.ts'
import { blocksOf, viewOfBox } from '../expression/grid.ts'
import { heldInFile, Spill } from './spill.ts'
import { type DenseNode, type HeldNode, inputsOf, makeNode, type Node } from '../expression/node.ts'
import { isNeeded, wholeOf } from '../expression/part.ts'
import { Planner } from './planner.ts'
import { rebuilt, unknownBelow } from '../expression/refine.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { BlockCache } from '../stages/block-cache.ts'
import type { Stage, StageContext } from '../stages/stage.ts'
import { identityView } from '../expression/view.ts'
import { accessThrough, isRun, stridesThrough } from '../memory/source.ts'
import { Yielding } from '../stages/yielding.ts'

export interface SessionOptions {
  readonly signal?: AbortSignal | undefined
  readonly memoryLimitBytes?: number | undefined
  readonly threads?: number | undefined
  readonly on?: Executor | undefined
  /** The folder for what does not fit in memory. */
  readonly spill?: string | undefined
}

/** Bytes of a slab that is computed at once into a file, at most; more would not make it quicker. Chosen. */
const mostSlabBytes = 512 << 20

/** Results that nothing needs are looked for when this many bytes have come since the last time, or as many results as stayed. */
const droppedFromBytes = 1 << 20

export class Session {
  readonly computed = new Map<Node, HeldNode>()
  readonly #options: SessionOptions
  readonly #cancellation: Cancellation
  readonly #turns = new Yielding()
  readonly #blocks: BlockCache
  readonly #limit: number
  readonly #spill: Spill
  /** What somebody wants in memory. */
  readonly #wanted = new WeakSet<Node>()
  /** What the results are kept for, of each computation that is under way: a stage may ask for one within another. */
  readonly #roots = new Set<readonly Node[]>()
  #bytesSinceDrop = 0
  #keptByDrop = 64

  constructor(options: SessionOptions) {
    this.#options = options
    this.#limit = options.memoryLimitBytes ?? totalmem() / 2
    this.#blocks = new BlockCache(this.#limit / 8)
    this.#spill = new Spill(options.spill)
    this.#cancellation = new Cancellation(currentFrame().cancellation, Cancellation.of(options.signal))
  }

  /** Computes the targets; each comes back as elements in memory. */
  async evaluate(targets: readonly Node[]): Promise<DenseNode[]> {
    const whole = await this.settleLengths(targets)
    for (const node of whole) this.#wanted.add(node)
    await this.#compute(whole, whole)
    return whole.map((node) => this.#known(node) as DenseNode)
  }

  /** Computes a node into a file that is there, slab by slab where what it needs does not fit in memory. */
  async writeInto(node: Node, path: string, offsetBytes: number): Promise<void> {
    const prepared = prepareFile(node, path, offsetBytes, this.computed)
    const rows = 'needs' in prepared ? this.#slabRows(node, prepared.needs) : undefined
    if (rows === undefined) return this.#writeSlab(node, node, path, offsetBytes)
    const length = node.shape[0] as number
    const rowBytes = sizeOf(node.shape.slice(1)) * bytesPer(node.dtype)
    for (let start = 0; start < length; start += rows) {
      const box = { start: node.shape.map((_, axis) => (axis === 0 ? start : 0)), stop: [...node.shape] }
      box.stop[0] = Math.min(length, start + rows)
      await this.#writeSlab(build.view(node, viewOfBox(box)), node, path, offsetBytes + start * rowBytes)
    }
  }

  /** @param whole of which the slab is a part: what other slabs need, too, stays */
  async #writeSlab(slab: Node, whole: Node, path: string, offsetBytes: number): Promise<void> {
    const parts: Node[] = []
    for (;;) {
      const prepared = prepareFile(slab, path, offsetBytes, this.computed)
      if ('stage' in prepared) {
        await this.run(prepared.stage)
        break
      }
      await this.#compute([...prepared.needs], [slab, whole], parts)
    }
    for (const part of parts) this.computed.delete(part)
  }

  /** Rows that are computed at once; undefined where all of them can be, or a part of them needs no less. */
  #slabRows({ shape, ...node }: Node, needs: ReadonlySet<Node>): number | undefined {
    const lazy = [...needs].filter((need) => need.kind === 'blocks' || need.kind === 'file' || wholeOf(need) !== undefined)
    const bytes = lazy.reduce((sum, need) => sum + sizeOf(need.shape) * bytesPer(need.dtype), 0)
    const room = this.#limit - this.#heldBytes()
    const [length = 0] = shape
    if (bytes <= room / 4 || length === 0) return undefined
    const rows = Math.max(1, Math.floor(Math.min(mostSlabBytes, room / 8) / (bytes / length)))
    const block = blocksOf({ shape, chunk: node.chunk, grid: node.grid }, 'save')[0]?.largest ?? 1
    const blocky = lazy.some(({ kind }) => kind === 'blocks')
    if (!blocky) return rows < length ? rows : undefined
    // Blocks are made whole.
    const whole = Math.max(1, Math.floor(rows / block)) * block
    return whole < length && whole * (bytes / length) <= room / 2 ? whole : undefined
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
            if (wholeOf(node)) parts.push(node)
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
    if (this.#heldBytes() + stage.bytes > this.#limit && (await this.#runIntoFiles(stage))) return
    this.#checkMemory(stage.bytes)
    this.#bytesSinceDrop += stage.bytes
    const { threads = availableParallelism(), on } = this.#options
    for (const job of stage.jobs()) await runJob(job, expectedJobMs(job), { threads, on, cancellation: this.#cancellation })
    await stage.work?.(this.#contextOf(stage, threads))
    for (const [node, result] of stage.finish())
      this.computed.set(node, result.kind === 'dense' ? result : await this.#finish(result))
  }

  /** Computes the nodes of the stage into files. @returns false where that is not possible, or memory is wanted */
  async #runIntoFiles({ nodes }: Stage): Promise<boolean> {
    if (nodes.some((node) => this.#wanted.has(node) || wholeOf(node) !== undefined)) return false
    for (const node of nodes) {
      if (node.kind === 'file' || node.kind === 'reduce') return false
      if (node.kind === 'algorithm' && !(node.name === 'sort' && isOneRow(node))) return false
    }
    for (const node of nodes) this.computed.set(node, heldInFile(await this.#intoFile(node), node.dtype, node.shape))
    return true
  }

  async #intoFile(node: Node): Promise<string> {
    const takeTurns = (): Promise<void> => this.#takeTurns()
    if (node.kind === 'algorithm') {
      const evaluate = (nodes: readonly Node[]): Promise<DenseNode[]> => this.evaluateParts(nodes, [node])
      // In memory are then the elements, the sorted ones, and what threads count.
      const length = Math.max(1 << 16, Math.floor((this.#limit - this.#heldBytes()) / (6 * bytesPer(node.dtype))))
      return sortIntoFile(node, { evaluate, takeTurns, file: () => this.#spill.file(), length })
    }
    const path = this.#spill.file()
    const threads = this.#options.threads ?? availableParallelism()
    if (node.kind === 'blocks') await blocksIntoFile(node, path, this.#contextOf({ nodes: [node] }, threads))
    else if (node.kind === 'concat' && node.axis === 0) {
      let offset = 0
      for (const input of node.inputs) {
        await this.writeInto(input, path, offset)
        offset += sizeOf(input.shape) * bytesPer(node.dtype)
      }
    } else await this.writeInto(node, path, 0)
    return path
  }

  #contextOf(stage: Pick<Stage, 'nodes'>, threads: number): StageContext {
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
    for (const node of missing) this.#wanted.add(node)
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
    const needed = bytes + this.#heldBytes()
    if (needed <= limit) return
    throw new BudgetExceeded(
      `The computation needs ${formatBytes(needed)} at once, and \`memoryLimit\` is ${formatBytes(limit)}`,
      {
        hint: 'Save the array to a file, reduce it first, or raise the limit; explain() shows what takes the memory.',
      },
    )
  }

  #heldBytes(): number {
    let bytes = 0
    for (const { kind, dtype, shape } of this.computed.values()) if (kind === 'dense') bytes += sizeOf(shape) * bytesPer(dtype)
    return bytes
  }

  #known(node: Node): DenseNode | undefined {
    const known = node.kind === 'dense' ? node : this.computed.get(node)
    return known?.kind === 'dense' ? known : undefined
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
    this.#spill.close()
    this.#cancellation.close()
  }
}

/** What a node selects of elements in memory, where they lie one after the other. */
function inMemory(node: Node, computed: ReadonlyMap<Node, HeldNode>): DenseNode | undefined {
  const known = computed.get(node) ?? node
  const source = known.kind === 'view' ? (computed.get(known.input) ?? known.input) : known
  if (source.kind !== 'dense') return undefined
  const view = known.kind === 'view' ? known.view : identityView(known.shape)
  const { offset, strides } = stridesThrough(view, source.strides, source.offset)
  if (!isRun(accessThrough(identityView(node.shape), strides, offset))) return undefined
  return makeNode({ ...source, shape: node.shape, offset, strides: contiguousStrides(node.shape) })
}
