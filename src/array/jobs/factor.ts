/** Runs the tasks of a {@link FactorJob}: some matrices of a batch. */
import { typedArray } from '../expression/dtype.ts'
import { factorizations, type Given } from '../factor/table.ts'
import type { FactorJob, Stop } from './job.ts'
import { startOf } from './product.ts'

export function openFactor(job: FactorJob): { run(task: number, stop: Stop): void; close(): void } {
  const count = job.batch.reduce((a, b) => a * b, 1)
  const result = new Float64Array(job.result)
  return {
    run(task, stop) {
      const end = Math.min(count, (task + 1) * job.perTask)
      for (let one = task * job.perTask; one < end && !stop(); one++) {
        const given = job.matrices.map((matrix) => read(matrix, job.batch, one))
        // Of its own, because other threads write beside it and a factorization reads what it has written.
        const out = new Float64Array(job.size)
        factorizations[job.operation].run(given, job.numbers, out, stop)
        result.set(out, one * job.size)
      }
    },
    close() {},
  }
}

function read({ matrix, rows, columns }: FactorJob['matrices'][number], batch: readonly number[], one: number): Given {
  const { outer, inner } = matrix
  const from = typedArray(matrix.dtype, matrix.buffer) as Float64Array
  const start = startOf(matrix, batch, one)
  const data = new Float64Array(rows * columns)
  for (let i = 0, to = 0; i < rows; i++) {
    for (let j = 0, at = start + i * outer; j < columns; j++, to++, at += inner) data[to] = from[at] as number
  }
  return { data, rows, columns }
}
