/** The plan of a computation, for reading. */
import { formatBytes } from '../../base/bytes.ts'
import { elementsOf, expectedJobMs, kernelBytes } from '../jobs/cost.ts'
import type { Job } from '../jobs/run-job.ts'
import { inputsOf, makeNode, type DenseNode, type Node } from '../expression/node.ts'
import { nowhere } from '../stages/lower.ts'
import { isNeeded } from '../expression/part.ts'
import { Planner } from '../session/planner.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { unknownBelow } from '../expression/refine.ts'
import { describeNode } from '../stages/stage.ts'
import { formatMs } from '../../base/duration.ts'
import { bytesPer } from '../expression/dtype.ts'

/** The cost of a computation, before it runs: estimates, but for the passes. */
export interface Estimate {
  /** Passes over elements, and arrays that are made block by block. */
  readonly passes: number
  /** Bytes that they read of memory and of files; what is made on the way counts when it is read again. */
  readonly bytesRead: number
  /** Bytes of results and intermediate results that are in memory at the same time. */
  readonly peakBytes: number
  /** Milliseconds on one thread. */
  readonly expectedMs: number
  /** False when lengths that only the computation can find decide on the rest, which is not counted. */
  readonly complete: boolean
}

/** Passes that are shown one by one. */
const mostShown = 60

export function explain(target: Node): string {
  const lines = [`plan for ${describeNode(target)}`]
  let hidden = 0
  const { passes, bytesRead, peakBytes, expectedMs } = estimate(target, (pass, describe) => {
    if (pass <= mostShown) lines.push(...describe())
    else hidden++
  })
  if (hidden > 0) lines.push(`  … and ${hidden.toLocaleString('en')} more`)
  const unknown = unknownBelow([target], new Map())
  if (unknown.length > 0) {
    lines.push(`  then what follows from a length that is known only then: ${unknown.map(describeNode).join(', ')}`)
  }
  const count = passes === 1 ? '1 pass' : `${passes.toLocaleString('en')} passes`
  const memory = `reads ${formatBytes(bytesRead)}, peak memory ${formatBytes(peakBytes)}`
  lines.push(`  ${count}, ${memory}, expected ${formatMs(expectedMs)} on one thread (an estimate)`)
  return lines.join('\n')
}

/** @param see gets each pass: its number, and what it is */
export function estimate(target: Node, see: (pass: number, describe: () => string[]) => void = () => {}): Estimate {
  const computed = new Map<Node, DenseNode>()
  let [expectedMs, passes, bytesRead, peakBytes, live, kept] = [0, 0, 0, 0, 0, 64]
  const unknown = unknownBelow([target], computed)
  const targets = unknown.length > 0 ? unknown : [target]
  const planner = new Planner(computed)
  planner.demand(targets)
  planner.look()
  for (let stages = planner.next(); stages.length > 0; planner.look(), stages = planner.next()) {
    for (const stage of stages) {
      for (const job of stage.jobs()) {
        expectedMs += expectedJobMs(job)
        bytesRead += bytesReadBy(job)
        const pass = ++passes
        see(pass, () => describeJob(pass, job))
      }
      const { about } = stage
      if (about) {
        const pass = ++passes
        bytesRead += about.bytesRead
        expectedMs += (about.bytesRead * nsPerBlockByte) / 1e6
        see(pass, () => [
          `  ${pass}. ${about.label}`,
          `     ${about.tasks.toLocaleString('en')} blocks, ${formatBytes(about.bytesRead)} in all`,
        ])
      }
      peakBytes = Math.max(peakBytes, live + stage.bytes)
      for (const node of stage.nodes) {
        computed.set(node, standIn(node))
        live += sizeOf(node.shape) * bytesPer(node.dtype)
        planner.settled(node)
      }
    }
    // As the computation does: what nothing needs any more is dropped, now and then.
    if (computed.size < 2 * kept) continue
    live = drop(computed, targets)
    kept = Math.max(64, computed.size)
  }
  return { passes, bytesRead, peakBytes, expectedMs, complete: unknown.length === 0 }
}

/** To read a byte of a file and put it to its place; measured with columns of Parquet. */
const nsPerBlockByte = 0.5

/** Forgets results that only computed nodes refer to. @returns the bytes of the others */
function drop(computed: Map<Node, DenseNode>, targets: readonly Node[]): number {
  const reached = new Set<Node>()
  const pending = [...targets]
  for (let node = pending.pop(); node; node = pending.pop()) {
    if (reached.has(node)) continue
    reached.add(node)
    if (!computed.has(node)) pending.push(...inputsOf(node))
  }
  let live = 0
  for (const node of computed.keys()) {
    if (!isNeeded(node, reached)) computed.delete(node)
    else live += sizeOf(node.shape) * bytesPer(node.dtype)
  }
  return live
}

function bytesReadBy(job: Job): number {
  if (job.kind === 'product') {
    const products = sizeOf(job.batch) * job.inner
    return products * (job.rows * bytesPer(job.left.dtype) + job.columns * bytesPer(job.right.dtype))
  }
  if (job.kind === 'factor') {
    return job.matrices.reduce(
      (sum, { rows, columns, matrix }) => sum + sizeOf(job.batch) * rows * columns * bytesPer(matrix.dtype),
      0,
    )
  }
  if (!('expression' in job)) return 0
  return job.expression.inputs.reduce(
    (sum, { source, shape, dtype }) => sum + (source.kind === 'random' ? 0 : sizeOf(shape) * bytesPer(dtype)),
    0,
  )
}

function standIn({ dtype, shape }: Node): DenseNode {
  return makeNode({
    kind: 'dense',
    dtype,
    shape,
    buffer: nowhere,
    offset: 0,
    strides: contiguousStrides(shape),
    chunk: undefined,
  })
}

/** Equal ones together. */
function counted(sources: readonly string[]): string[] {
  return [...new Set(sources)].map((source) => {
    const times = sources.filter((other) => other === source).length
    return times === 1 ? source : `${times} × ${source}`
  })
}

function describeJob(pass: number, job: Job): string[] {
  const elements = elementsOf(job)
  const tasks = `${job.tasks} ${job.tasks === 1 ? 'task' : 'tasks'}, ${elements.toLocaleString('en')} elements`
  if (job.kind === 'product') {
    const read = [job.rows, job.columns].map((length, i) =>
      formatBytes(sizeOf(job.batch) * length * job.inner * bytesPer((i ? job.right : job.left).dtype)),
    )
    return [
      `  ${pass}. ${job.label}`,
      `     ${tasks}, in tiles of ${job.tile} × ${job.tile}`,
      `     reads memory ${read.join(', memory ')}; expected ${formatMs(expectedJobMs(job))}`,
    ]
  }
  if (job.kind === 'factor') {
    const read = job.matrices.map(({ rows, columns, matrix }) =>
      formatBytes(sizeOf(job.batch) * rows * columns * bytesPer(matrix.dtype)),
    )
    return [
      `  ${pass}. ${job.label}`,
      `     ${tasks}, each matrix by itself`,
      `     reads memory ${read.join(', memory ')}; expected ${formatMs(expectedJobMs(job))}`,
    ]
  }
  const { kernel, inputs } = job.expression
  const read = inputs.map(({ source, dtype, shape }) => {
    const inPlace = kernel.inPlace && source.kind === 'memory' ? ' in place' : ''
    return `${source.kind} ${formatBytes(sizeOf(shape) * bytesPer(dtype))}${inPlace}`
  })
  return [
    `  ${pass}. ${job.label}`,
    `     ${tasks}, one fused kernel of ${kernel.bytes.length.toLocaleString('en')} bytes`,
    `     reads ${read.length === 0 ? 'nothing' : counted(read).join(', ')}; ${kernelBytes(kernel)} bytes per element through the cache; expected ${formatMs(expectedJobMs(job))}`,
  ]
}
