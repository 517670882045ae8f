/** Algorithms over rows of consecutive elements: order, and what follows from it. A task has whole rows. */
import { type DType, typedArray, type TypedArray } from '../expression/dtype.ts'
import { type BlockJob, type BlockTask, dtypeOf } from './job.ts'
import { ordered } from './radix.ts'
import { quantilesOf, type QuantileMethod, quantileMethods, selectTo } from './select.ts'

/** Hands over row after row. The array that it hands over is used again. */
function eachRow(dtype: DType, length: number, use: (row: TypedArray, index: number) => void): BlockTask {
  const row = typedArray(dtype, new ArrayBuffer(length * 8))
  const part = row.subarray(0, length) as TypedArray
  return {
    block([values], first, count) {
      for (let done = 0; done < count;) {
        const at = (first + done) % length
        const taken = Math.min(length - at, count - done)
        part.set((values as TypedArray).subarray(done, done + taken) as never, at)
        done += taken
        if (at + taken === length) use(part, Math.floor((first + done - 1) / length))
      }
    },
  }
}

/** Sorts each row; NaN comes last. Buffers: the result. Numbers: the length of a row. */
export function sort(job: BlockJob, task: number): BlockTask {
  const [length] = job.numbers as [number]
  const from = task * job.chunkLength
  const count = Math.min(job.chunkLength, job.length - from)
  const rows = typedArray(dtypeOf(job, 0), job.buffers[0] as SharedArrayBuffer, from, count)
  return {
    block: ([values], first, n) => rows.set((values as TypedArray).subarray(0, n) as never, first - from),
    end() {
      for (let row = 0; row < count; row += length) rows.subarray(row, row + length).sort()
    },
  }
}

/** The indices that sort each row, those of equal elements ascending. Buffers: the result (f64). Numbers: the length of a row. */
export function argsort(job: BlockJob): BlockTask {
  const [length] = job.numbers as [number]
  const dtype = dtypeOf(job, 0)
  const result = new Float64Array(job.buffers[0] as SharedArrayBuffer)
  return eachRow(dtype, length, (row, index) => ordered(dtype, row, result.subarray(index * length, (index + 1) * length)))
}

/** Puts the k-th element of each row to its place, smaller ones before it. Buffers: the result. Numbers: the length of a row, the places. */
export function partition(job: BlockJob): BlockTask {
  const [length, ...places] = job.numbers as [number, ...number[]]
  const dtype = dtypeOf(job, 0)
  const result = typedArray(dtype, job.buffers[0] as SharedArrayBuffer)
  return eachRow(dtype, length, (row, index) => {
    selectTo(row as Float64Array, places)
    result.set(row as never, index * length)
  })
}

/** Quantiles of each row. Buffers: the result, (quantiles × rows) doubles. Numbers: the length of a row, the method, 1 to leave out NaN, fractions. */
export function rowQuantile(job: BlockJob): BlockTask {
  const [length, method, leaveOut, ...fractions] = job.numbers as [number, number, number, ...number[]]
  const result = new Float64Array(job.buffers[0] as SharedArrayBuffer)
  const rows = job.length / length
  return eachRow('f64', length, (row, index) => {
    const found = quantilesOf(row as Float64Array, fractions, quantileMethods[method] as QuantileMethod, leaveOut === 1)
    found.forEach((value, i) => (result[i * rows + index] = value))
  })
}
