/**
 * Runs the tasks of a {@link BlockJob}. An algorithm sees the blocks of one task in order, and writes what it found where
 * no other task writes.
 */
import { typedArray, type TypedArray } from '../expression/dtype.ts'
import { type BlockAlgorithm, type BlockJob, type BlockTask, dtypeOf, ExpressionRunner, forBlocks, type Stop } from './job.ts'
import { gather, scatter, search } from './gather.ts'
import { argsort, partition, rowQuantile, sort } from './rows.ts'
import { sortParts, spread } from './spread.ts'
import { type Comparable, keyCount, nanKey, orderedKey, sortedUnique, TopK } from './ordering.ts'

type Algorithm = (job: BlockJob, task: number) => BlockTask

const algorithms: Readonly<Record<BlockAlgorithm, Algorithm>> = {
  argsort,
  compress,
  gather,
  histogram,
  keys,
  partition,
  rowQuantile,
  scan,
  scatter,
  search,
  select,
  sort,
  sortParts,
  spread,
  topk,
  unique,
  weigh,
}

export function openBlocks(job: BlockJob): { run(task: number, stop: Stop): void; close(): void } {
  const runner = new ExpressionRunner(job.expression)
  const { outputs } = job.expression.kernel
  return {
    run(task, stop) {
      const from = task * job.chunkLength
      const algorithm = algorithms[job.algorithm](job, task)
      forBlocks(from, Math.min(from + job.chunkLength, job.length), stop, (first, count) => {
        runner.run(first, count)
        algorithm.block(
          outputs.map((_, i) => runner.instance.output(i)),
          first,
          count,
        )
      })
      if (!stop()) algorithm.end?.()
    },
    close: () => runner.close(),
  }
}

/** Outputs: values, mask. Buffers: the result; where each task writes (f64). */
function compress(job: BlockJob, task: number): BlockTask {
  const [results, starts] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer]
  const result = typedArray(dtypeOf(job, 0), results) as Float64Array
  let at = new Float64Array(starts)[task] as number
  return {
    block([values, mask], _, count) {
      const [from, keep] = [values as Float64Array, mask as Uint8Array]
      for (let i = 0; i < count; i++) if (keep[i] !== 0) result[at++] = from[i] as number
    },
  }
}

/** Running sums or products. Buffers: the result; what each task starts from (same dtype). Numbers: elements per row, 1 for products. */
function scan(job: BlockJob, task: number): BlockTask {
  const dtype = dtypeOf(job, 0)
  const [results, starts] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer?]
  const result = typedArray(dtype, results)
  const [rowLength, product] = job.numbers as [number, number?]
  const neutral = product ? 1 : 0
  const start = starts && typedArray(dtype === 'i64' ? 'i64' : 'f64', starts)[task]
  if (dtype === 'i64')
    return scanBigInts(result as unknown as BigInt64Array, rowLength, (start as unknown as bigint) ?? BigInt(neutral), neutral)
  let sum = (start as number | undefined) ?? neutral
  return {
    block([values], first, count) {
      for (let done = 0; done < count;) {
        const left = rowLength - ((first + done) % rowLength)
        if (left === rowLength && first + done > 0 && start === undefined) sum = neutral
        const end = Math.min(count, done + left)
        sum = (product ? runningProduct : runningSum)(values as Float64Array, result as Float64Array, first, done, end, sum)
        done = end
      }
    },
  }
}

function runningSum(values: Float64Array, result: Float64Array, first: number, from: number, to: number, start: number): number {
  let sum = start
  for (let i = from; i < to; i++) {
    sum += values[i] as number
    result[first + i] = sum
  }
  return sum
}

function runningProduct(
  values: Float64Array,
  result: Float64Array,
  first: number,
  from: number,
  to: number,
  start: number,
): number {
  let product = start
  for (let i = from; i < to; i++) {
    product *= values[i] as number
    result[first + i] = product
  }
  return product
}

function scanBigInts(result: BigInt64Array, rowLength: number, start: bigint, neutral: number): BlockTask {
  let sum = start
  return {
    block([values], first, count) {
      const from = values as unknown as BigInt64Array
      for (let i = 0; i < count; i++) {
        if (first + i > 0 && (first + i) % rowLength === 0) sum = BigInt(neutral)
        sum = BigInt.asIntN(64, neutral === 1 ? sum * (from[i] as bigint) : sum + (from[i] as bigint))
        result[first + i] = sum
      }
    },
  }
}

/** Outputs: the bin of each element, −1 for none. Buffers: counts (i64), added to once per task. Numbers: bins. */
function histogram(job: BlockJob): BlockTask {
  const [bins] = job.numbers as [number]
  // Four rows of counts, so that equal neighbours do not wait for one another; the first of each is for "none".
  const counts = new Int32Array(4 * (bins + 1))
  return {
    block([indices], _, count) {
      const bin = indices as Int32Array
      const whole = count - (count % 4)
      for (let i = 0; i < whole; i += 4) {
        ;(counts[(bin[i] as number) + 1] as number)++
        ;(counts[(bin[i + 1] as number) + bins + 2] as number)++
        ;(counts[(bin[i + 2] as number) + 2 * bins + 3] as number)++
        ;(counts[(bin[i + 3] as number) + 3 * bins + 4] as number)++
      }
      for (let i = whole; i < count; i++) (counts[(bin[i] as number) + 1] as number)++
    },
    end() {
      const shared = new BigInt64Array(job.buffers[0] as SharedArrayBuffer)
      for (let i = 0; i < bins; i++) {
        let sum = 0
        for (let row = 0; row < 4; row++) sum += counts[row * (bins + 1) + i + 1] as number
        if (sum > 0) Atomics.add(shared, i, BigInt(sum))
      }
    },
  }
}

/** Sums of weights by bin. Outputs: the bin of each element (i32), its weight (f64). Buffers: (tasks × bins) sums (f64). Numbers: bins. */
function weigh(job: BlockJob, task: number): BlockTask {
  const [bins] = job.numbers as [number]
  const sums = new Float64Array(job.buffers[0] as SharedArrayBuffer, 8 * task * bins, bins)
  return {
    block([indices, weights], _, count) {
      const [bin, weight] = [indices as Int32Array, weights as Float64Array]
      for (let i = 0; i < count; i++) sums[bin[i] as number] = (sums[bin[i] as number] as number) + (weight[i] as number)
    },
  }
}

/** How many elements have each upper half of the ordered key. Buffers: (tasks × keys) counts (u32), the last one of NaN. */
function keys(job: BlockJob, task: number): BlockTask {
  const counts = new Uint32Array(job.buffers[0] as SharedArrayBuffer, task * keyCount * 4, keyCount)
  return {
    block([values], _, count) {
      const words = new Int32Array((values as Float64Array).buffer, (values as Float64Array).byteOffset, 2 * count)
      for (let i = 0; i < count; i++) {
        const value = (values as Float64Array)[i] as number
        const key = value === value ? orderedKey(words[2 * i + 1] as number) : nanKey
        ;(counts[key] as number)++
      }
    },
  }
}

/** Collects the elements with wanted keys. Buffers: flags by key (u8), where each task writes (f64), the result. */
function select(job: BlockJob, task: number): BlockTask {
  const [flags, starts, results] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer, SharedArrayBuffer]
  const wanted = new Uint8Array(flags)
  let at = new Float64Array(starts)[task] as number
  const result = new Float64Array(results)
  return {
    block([values], _, count) {
      const words = new Int32Array((values as Float64Array).buffer, (values as Float64Array).byteOffset, 2 * count)
      for (let i = 0; i < count; i++) {
        if (wanted[orderedKey(words[2 * i + 1] as number)] === 1) result[at++] = (values as Float64Array)[i] as number
      }
    },
  }
}

/** Buffers: (tasks × k) values (same dtype); how many there are of each task (f64). Numbers: k, 1 for the largest or −1. */
function topk(job: BlockJob, task: number): BlockTask {
  const [k, direction] = job.numbers as [number, number]
  const [values, counts] = job.buffers as [SharedArrayBuffer, SharedArrayBuffer]
  const dtype = dtypeOf(job, 0) as Comparable
  const best = new TopK(k, direction > 0, dtype)
  return {
    block: ([elements], _, count) => best.add(elements as TypedArray, count),
    end() {
      const found = best.result()
      typedArray(dtype, values, task * k, k).set(found as never)
      new Float64Array(counts)[task] = found.length
    },
  }
}

/** Buffers: room for all elements, of which each task uses the beginning of its part; how many it used (f64). */
function unique(job: BlockJob, task: number): BlockTask {
  const from = task * job.chunkLength
  const room = typedArray(
    dtypeOf(job, 0),
    job.buffers[0] as SharedArrayBuffer,
    from,
    Math.min(job.chunkLength, job.length - from),
  )
  return {
    block([values], first, count) {
      room.set((values as TypedArray).subarray(0, count) as never, first - from)
    },
    end() {
      new Float64Array(job.buffers[1] as SharedArrayBuffer)[task] = sortedUnique(room)
    },
  }
}
