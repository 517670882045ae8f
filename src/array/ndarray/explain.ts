/** The plan of a computation, for reading. */
import { formatBytes } from '../../base/bytes.ts'
import { elementsOf, expectedJobMs, kernelBytes } from '../jobs/cost.ts'
import type { Job } from '../jobs/run-job.ts'
import { makeNode, type DenseNode, type Node } from '../expression/node.ts'
import { nowhere } from '../stages/lower.ts'
import { Planner } from '../session/planner.ts'
import { contiguousStrides, sizeOf } from '../expression/shape.ts'
import { unknownBelow } from '../expression/refine.ts'
import { describeNode } from '../stages/stage.ts'
import { formatMs } from '../../base/duration.ts'
import { bytesPer } from '../expression/dtype.ts'

export function explain(target: Node): string {
  const lines = [`plan for ${describeNode(target)}`]
  const computed = new Map<Node, DenseNode>()
  let totalMs = 0
  let pass = 0
  const unknown = unknownBelow([target], computed)
  const planner = new Planner(computed)
  planner.demand(unknown.length > 0 ? unknown : [target])
  planner.look()
  for (let stages = planner.next(); stages.length > 0; planner.look(), stages = planner.next()) {
    for (const stage of stages) {
      for (const job of stage.jobs()) {
        totalMs += expectedJobMs(job)
        lines.push(...describeJob(++pass, job))
      }
      for (const node of stage.nodes) {
        computed.set(node, standIn(node))
        planner.settled(node)
      }
    }
  }
  if (unknown.length > 0) {
    lines.push(`  then what follows from a length that is known only then: ${unknown.map(describeNode).join(', ')}`)
  }
  lines.push(`  ${pass === 1 ? '1 pass' : `${pass} passes`}, expected ${formatMs(totalMs)} on one thread (an estimate)`)
  return lines.join('\n')
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
