/**
 * One step of a computation: some nodes whose inputs are all there, the jobs that compute them, and what to make of the
 * results.
 */
import type { Cancellation } from '../../base/abort.ts'
import type { DType } from '../expression/dtype.ts'
import type { BlockCache } from './block-cache.ts'
import type { Expression } from '../jobs/job.ts'
import type { Job } from '../jobs/run-job.ts'
import { canReadInPlace, compileKernel } from '../kernel/compile.ts'
import { blockLength } from '../kernel/ir.ts'
import type { Lowering } from './lower.ts'
import { type DenseNode, makeNode, type Node } from '../expression/node.ts'
import { contiguousStrides, type Shape, showShape } from '../expression/shape.ts'
import { isRun, type Source } from '../memory/source.ts'

/** Everything that a stage may ask of the computation that it is part of. */
export interface StageContext {
  readonly cancellation: Cancellation
  /** Threads that the computation may use at most. */
  readonly threads: number
  /** Blocks that were made before, and may be wanted again. */
  readonly blocks: BlockCache
  /** Computes expressions that belong to this stage alone; what they share with others stays. */
  evaluate(nodes: readonly Node[]): Promise<DenseNode[]>
  /** Lets timers, I/O and whoever cancels get their turn. */
  takeTurns(): Promise<void>
}

export interface Stage {
  readonly nodes: readonly Node[]
  /** Allocates what the results need; call once, and run each job before asking for the next. */
  jobs(): Iterable<Job>
  /** After the jobs: what cannot be a job, because it waits or asks for more. */
  work?(context: StageContext): Promise<void>
  /** What {@link work} does, for reading. */
  readonly about?: { readonly label: string; readonly tasks: number; readonly bytesRead: number } | undefined
  /** Bytes that it allocates for results and states. */
  readonly bytes: number
  /** After the jobs: what the nodes are now. An expression is computed in a further, smaller stage. */
  finish(): ReadonlyMap<Node, Node>
}

/** Either a stage, or what has to be computed before it. */
export type Prepared = { readonly stage: Stage } | { readonly needs: ReadonlySet<Node> }

/**
 * Elements per task where the user said nothing: small enough to share work evenly, large enough that claiming one
 * costs nothing. Depends on the length alone, because sums follow it.
 */
export function chunkLengthFor(length: number, asked: number | undefined): number {
  const wanted = asked ?? Math.min(64 * blockLength, Math.max(4 * blockLength, length / 64))
  return Math.max(1, Math.ceil(wanted / blockLength)) * blockLength
}

export function expressionOf({ program, parameters, inputs }: Lowering): Expression {
  const [first] = inputs
  const inPlace = first !== undefined && isRun(first) && isAtHand(first.source) && canReadInPlace(program)
  return { kernel: compileKernel(program, inPlace), parameters, inputs }
}

/** A kernel in place saves a copy of elements in memory that can be its own, and takes those of a file in larger pieces. */
const isAtHand = (source: Source): boolean => source.kind === 'file' || (source.kind === 'memory' && source.home !== undefined)

/** A node over elements that lie in a buffer in C order. */
export function denseNode(dtype: DType, shape: Shape, buffer: SharedArrayBuffer): DenseNode {
  return makeNode({ kind: 'dense', dtype, shape, buffer, offset: 0, strides: contiguousStrides(shape), chunk: undefined })
}

export const describeNode = ({ dtype, shape }: Pick<Node, 'dtype' | 'shape'>): string => `${showShape(shape)} ${dtype}`
