/** Elements by their positions: read, written, and found by bisection. */
import { InvalidOption } from '../../base/errors.ts'
import { typedArray } from '../expression/dtype.ts'
import { type BlockJob, type BlockTask, dtypeOf } from './job.ts'

/** A position that is out of range is NaN; one that is not whole is itself. */
function checkPosition(at: number): InvalidOption {
  if (Number.isNaN(at))
    return new InvalidOption('An index of an array of indices is out of range for the axis that it selects from')
  return new InvalidOption(`Expected the indices of an array to be whole numbers, got one that is not`, {
    hint: "Round them first, and convert with `.astype('i32')`.",
  })
}

/** Outputs: positions (f64). Buffers: the elements, the result. Numbers: where the elements begin, how many there are. */
export function gather(job: BlockJob): BlockTask {
  const dtype = job.dtype ?? 'f64'
  const [offset, size] = job.numbers as [number, number]
  const from = typedArray(dtype, job.buffers[0] as SharedArrayBuffer, offset, size) as Float64Array
  const result = typedArray(dtype, job.buffers[1] as SharedArrayBuffer) as Float64Array
  return {
    block([positions], first, count) {
      const at = positions as Float64Array
      for (let i = 0; i < count; i++) {
        const position = at[i] as number
        const value = from[position]
        if (value === undefined) throw checkPosition(position)
        result[first + i] = value
      }
    },
  }
}

/** Outputs: positions (f64), values. Buffers: the result, whose elements are there already; the last value for a position stays. */
export function scatter(job: BlockJob): BlockTask {
  const result = typedArray(dtypeOf(job, 1), job.buffers[0] as SharedArrayBuffer) as Float64Array
  const [size] = job.numbers as [number]
  return {
    block([positions, values], _, count) {
      const [at, from] = [positions as Float64Array, values as Float64Array]
      for (let i = 0; i < count; i++) {
        const position = at[i] as number
        if (!(position < size && Number.isInteger(position))) throw checkPosition(position)
        result[position] = from[i] as number
      }
    },
  }
}

/** Whether `a` stands before `b`; NaN stands behind everything. */
export const before = (a: number, b: number): boolean => a < b || (b !== b && a === a)

/**
 * Where values have their place among sorted elements. Outputs: values. Buffers: the sorted elements, the result (f64). Numbers: where the
 * sorted elements begin, how many there are, 1 for the place behind equal ones.
 */
export function search(job: BlockJob): BlockTask {
  const [offset, size, behind] = job.numbers as [number, number, number]
  const sorted = typedArray(dtypeOf(job, 0), job.buffers[0] as SharedArrayBuffer, offset, size) as Float64Array
  const result = new Float64Array(job.buffers[1] as SharedArrayBuffer)
  return {
    block([values], first, count) {
      const wanted = values as Float64Array
      for (let i = 0; i < count; i++) {
        const value = wanted[i] as number
        let [low, high] = [0, size]
        while (low < high) {
          const middle = (low + high) >>> 1
          const there = sorted[middle] as number
          if (behind ? !before(value, there) : before(there, value)) low = middle + 1
          else high = middle
        }
        result[first + i] = low
      }
    },
  }
}
