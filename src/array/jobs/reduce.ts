/** Runs the tasks of a {@link ReduceJob}, and merges its states. */
import { ExpressionRunner, forBlocks, type ReduceJob, type Stop } from './job.ts'
import type { Accumulator, Measure } from '../reductions/reduction.ts'
import { States } from '../reductions/states.ts'
import { accumulatorOf, wordsOfAll } from '../reductions/table.ts'

export function openReduce(job: ReduceJob): { run(task: number, stop: Stop): void; close(): void } {
  const runner = new ExpressionRunner(job.expression)
  const states = new States(job.states)
  const parts = partsOf(job.measures)
  const words = wordsOfAll(job.measures)
  const { rows, rowLength, segmentLength, perTask } = job
  const segments = segmentCount(job)
  return {
    run(task, stop) {
      const end = Math.min((task + 1) * perTask, rows * segments)
      for (let pair = task * perTask; pair < end && !stop(); pair++) {
        const row = Math.floor(pair / segments)
        const from = (pair % segments) * segmentLength
        reduceSegment(parts, runner, states, pair * words, row * rowLength, from, Math.min(from + segmentLength, rowLength), stop)
      }
    },
    close: () => runner.close(),
  }
}

export const segmentCount = ({ rowLength, segmentLength }: Pick<ReduceJob, 'rowLength' | 'segmentLength'>): number =>
  Math.max(1, Math.ceil(rowLength / segmentLength))

/** One measure of a job, with its place in a state. */
interface Part {
  readonly measure: Measure
  readonly accumulator: Accumulator
  /** Its first word. */
  readonly word: number
}

function partsOf(measures: readonly Measure[]): Part[] {
  let word = 0
  return measures.map((measure) => {
    const accumulator = accumulatorOf(measure.kind)
    word += accumulator.words
    return { measure, accumulator, word: word - accumulator.words }
  })
}

function reduceSegment(
  parts: readonly Part[],
  runner: ExpressionRunner,
  states: States,
  start: number,
  rowStart: number,
  from: number,
  to: number,
  stop: Stop,
): void {
  const { instance } = runner
  for (const { measure, accumulator, word } of parts) accumulator.start(measure.dtype, states, start + word)
  const shifted = parts.filter(({ accumulator }) => accumulator.shift)
  const learn = (known: boolean): void => {
    for (const part of shifted) setShift(part, runner, states, start, known)
  }
  learn(false)
  forBlocks(
    from,
    to,
    stop,
    (first, count) => {
      runner.run(rowStart + first, count, rowStart + to)
      if (shifted.length > 0 && first === from) {
        // The first block is run twice: once to learn what to subtract, and again with it subtracted.
        for (const { measure, accumulator, word } of shifted)
          accumulator.absorb(measure, instance, states, start + word, first, count)
        learn(true)
        for (const { measure, accumulator, word } of shifted) accumulator.start(measure.dtype, states, start + word)
        runner.run(rowStart + first, count, rowStart + to)
      }
      for (const { measure, accumulator, word } of parts)
        accumulator.absorb(measure, instance, states, start + word, first, count)
      learn(true)
    },
    instance.kernel.blockLength,
  )
}

/** Sets what the kernel subtracts from the elements of the next block. */
function setShift(
  { measure, accumulator, word }: Part,
  { instance }: ExpressionRunner,
  states: States,
  start: number,
  known: boolean,
): void {
  const shift = known ? (accumulator.shift?.(states, start + word) ?? 0) : 0
  const address = instance.kernel.parameters[measure.extra]?.address as number
  for (const lane of [address, address + 8]) instance.view.setFloat64(lane, Number.isFinite(shift) ? shift : 0, true)
}

/** Merges the segments of every row, neighbours first, into the state of the first; the others are used up. */
export function mergeSegments(job: Pick<ReduceJob, 'measures' | 'rows' | 'rowLength' | 'segmentLength' | 'states'>): void {
  const states = new States(job.states)
  const segments = segmentCount(job)
  const words = wordsOfAll(job.measures)
  const parts = partsOf(job.measures)
  for (let row = 0; row < job.rows; row++) {
    for (let distance = 1; distance < segments; distance *= 2) {
      for (let segment = 0; segment + distance < segments; segment += 2 * distance) {
        const into = (row * segments + segment) * words
        for (const { measure, accumulator, word } of parts)
          accumulator.merge(measure.dtype, states, into + word, states, into + word + distance * words)
      }
    }
  }
}
