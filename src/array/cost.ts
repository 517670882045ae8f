/** What a job should take, for choosing where to run it and for `explain()`. Estimates: measured on one 2.6 GHz core. */
import { bytesPer } from './expression/dtype.ts'
import { operations } from './expression/elementwise.ts'
import type { Job } from './jobs/run-job.ts'
import type { Kernel } from './kernel/compile.ts'
import type { KernelProgram } from './kernel/ir.ts'
import type { Source } from './memory/source.ts'

/** Nanoseconds to move one byte between memory and a block in cache; one core reads about 10 GB/s so. */
const nsPerByte = 0.1
/** Out of the page cache; a disk is slower. */
const fileNsPerByte = 0.15
const randomNs = { uniform: 0.7, normal: 6 }
/** One multiplication and addition of a matrix product. */
const productNs = 0.15
const loopNs = 0.15

/** Nanoseconds per element of a kernel, without moving its inputs and outputs. */
export function kernelNs(program: KernelProgram): number {
  let ns = loopNs + 0.1 * program.reductions.length
  for (const node of program.nodes) {
    if (node.kind === 'random') ns += randomNs[node.distribution]
    else if (node.kind === 'operation') ns += operations[node.name].ns
  }
  return ns
}

/** Nanoseconds per element to make or read what does not lie in memory. */
function sourceNs(source: Source, bytes: number): number {
  if (source.kind === 'random') return randomNs[source.distribution]
  return source.kind === 'file' ? fileNsPerByte * bytes : 0
}

/** Bytes that a pass of the kernel reads and writes per element. */
export function kernelBytes({ inputs, outputs }: Kernel): number {
  return [...inputs, ...outputs].reduce((sum, { dtype }) => sum + bytesPer(dtype), 0)
}

export function elementsOf(job: Job): number {
  switch (job.kind) {
    case 'reduce':
      return job.rows * job.rowLength
    case 'fold':
      return job.rounds * job.length
    case 'product':
      return job.rows * job.columns
    default:
      return job.length
  }
}

/** Milliseconds on one thread. */
export function expectedJobMs(job: Job): number {
  if (job.kind === 'product') return (job.rows * job.columns * job.inner * productNs) / 1e6
  const { kernel, inputs } = job.expression
  const sources = inputs.reduce((ns, { source, dtype }) => ns + sourceNs(source, bytesPer(dtype)), 0)
  return (elementsOf(job) * (kernel.nsPerElement + nsPerByte * kernelBytes(kernel) + sources)) / 1e6
}

export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${unit === 0 || value >= 100 ? value.toFixed(0) : value.toFixed(1)} ${units[unit]}`
}
