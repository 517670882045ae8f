/** What a job should take, for choosing where to run it and for `explain()`. Estimates: measured on one 2.6 GHz core. */
import { bytesPer } from '../expression/dtype.ts'
import { factorizations } from '../factor/table.ts'
import type { Kernel } from '../kernel/compile.ts'
import { randomNs } from '../kernel/cost.ts'
import type { Source } from '../memory/source.ts'
import type { Job } from './run-job.ts'

/** Nanoseconds to move one byte between memory and a block in cache; one core reads about 10 GB/s so. */
const nsPerByte = 0.1
/** Out of the page cache; a disk is slower. */
const fileNsPerByte = 0.15
/** One multiplication and addition of a matrix product, packing included. */
const productNs = { f64: 0.11, f32: 0.055 }

/** One multiplication and addition of a factorization. */
const factorNs = 0.8

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
    case 'factor':
      return job.batch.reduce((a, b) => a * b, job.size)
    case 'product':
      return job.batch.reduce((a, b) => a * b, job.rows * job.columns)
    case 'block':
      return job.elements ?? job.length
    default:
      return job.length
  }
}

/** Milliseconds on one thread. */
export function expectedJobMs(job: Job): number {
  if (job.kind === 'product') return (elementsOf(job) * job.inner * productNs[job.dtype]) / 1e6
  if (job.kind === 'factor') {
    return (job.batch.reduce((a, b) => a * b, factorizations[job.operation].work(job.matrices)) * factorNs) / 1e6
  }
  const { kernel, inputs } = job.expression
  const sources = inputs.reduce((ns, { source, dtype }) => ns + sourceNs(source, bytesPer(dtype)), 0)
  return (elementsOf(job) * (kernel.nsPerElement + nsPerByte * kernelBytes(kernel) + sources)) / 1e6
}
