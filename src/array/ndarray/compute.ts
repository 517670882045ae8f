/** Runs computations for the public arrays: checks the options, and opens a session. */
import { InvalidOption } from '../../base/errors.ts'
import { checkOptions, rules } from '../../base/options.ts'
import type { Executor } from '../../run/executor.ts'
import { Dense } from '../memory/dense.ts'
import { makeNode, type DenseNode, type Node } from '../expression/node.ts'
import { Session } from '../session/session.ts'
import { contiguousStrides } from '../expression/shape.ts'
import { accessThrough, isRun } from '../memory/source.ts'
import { bytesOf, memoryLimitRule } from '../memory/limit.ts'
import { identityView } from '../expression/view.ts'

/** How a computation runs. */
export interface ComputeOptions {
  /** Stops the computation; it rejects with `Cancelled` within a block of 4,096 elements per thread. */
  readonly signal?: AbortSignal
  /**
   * Bytes, or text such as `'500MB'`, that results and intermediate results may take at once. Intermediate results that would pass it are put into files.
   * @default no limit; from half of the machine's memory on they are put into files
   */
  readonly memoryLimit?: number | `${number}MB` | `${number}GB`
  /** The folder for such files, on a disk with room for them; they go with the computation. @default the system's folder for temporary files */
  readonly spill?: string
  /** Threads to use at most; 0: this one alone. The result has the same bits for any number. @default `availableParallelism()` */
  readonly threads?: number
  /** An executor of one's own instead of the shared threads; it must share memory with this thread. */
  readonly on?: Executor
}

/** What every function that computes checks. */
export const computeRules = {
  signal: rules.signal,
  memoryLimit: memoryLimitRule,
  spill: rules.string,
  threads: rules.whole(0),
  on: rules.executor,
}

export function openSession(options: ComputeOptions, where: string): Session {
  checkOptions<ComputeOptions>(options, computeRules, where)
  const { on } = options
  // One that does not say may share memory all the same.
  if (on?.reach && !on.reach.sharesMemory)
    throw new InvalidOption(`Expected \`on\` of ${where} to share memory with this thread, and ${on.name} does not`, {
      hint: 'Arrays are computed on threads: leave `on` out, or give threads().',
    })
  return new Session({
    signal: options.signal,
    memoryLimitBytes: bytesOf(options.memoryLimit),
    threads: options.threads,
    spill: options.spill,
    on,
  })
}

/** Computes several arrays at once; what they share is computed once. */
export async function computeNodes(nodes: readonly Node[], options: ComputeOptions): Promise<Dense[]> {
  const session = openSession(options, 'compute')
  try {
    const results = await session.evaluate(nodes)
    return (await session.evaluate(results.map(inOrder))).map((node) => new Dense(node))
  } finally {
    session.close()
  }
}

/** Elements in memory that lie in another order are copied. */
function inOrder(node: Node): Node {
  if (node.kind !== 'dense' || isRun(accessThrough(identityView(node.shape), node.strides, node.offset))) return node
  return makeNode({
    kind: 'view',
    input: node,
    view: identityView(node.shape),
    dtype: node.dtype,
    shape: node.shape,
    chunk: undefined,
  })
}

/** A dense node over elements in C order. */
export function wrapBuffer(
  dtype: DenseNode['dtype'],
  shape: readonly number[],
  buffer: SharedArrayBuffer,
  chunk?: number,
): DenseNode {
  return makeNode({ kind: 'dense', dtype, shape, buffer, offset: 0, strides: contiguousStrides(shape), chunk })
}
