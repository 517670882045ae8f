/** Runs the tasks of a {@link ReduceJob}, and merges its states. */
import { ExpressionRunner, forBlocks, type ReduceJob, type Stop } from './job.ts'
import { absorbBlock, type Measure, mergeStates, startState, States, wordsOf, wordsOfAll } from '../reductions/measure.ts'

export function openReduce(job: ReduceJob): { run(task: number, stop: Stop): void; close(): void } {
  const runner = new ExpressionRunner(job.expression)
  const states = new States(job.states)
  const { rows, rowLength, segmentLength, perTask } = job
  const segments = segmentCount(job)
  return {
    run(task, stop) {
      const end = Math.min((task + 1) * perTask, rows * segments)
      for (let pair = task * perTask; pair < end && !stop(); pair++) {
        const row = Math.floor(pair / segments)
        const from = (pair % segments) * segmentLength
        reduceSegment(job, runner, states, pair, row * rowLength, from, Math.min(from + segmentLength, rowLength), stop)
      }
    },
    close: () => runner.close(),
  }
}

export const segmentCount = ({ rowLength, segmentLength }: Pick<ReduceJob, 'rowLength' | 'segmentLength'>): number =>
  Math.max(1, Math.ceil(rowLength / segmentLength))

function reduceSegment(
  job: ReduceJob,
  runner: ExpressionRunner,
  states: States,
  pair: number,
  rowStart: number,
  from: number,
  to: number,
  stop: Stop,
): void {
  const { measures } = job
  const { instance } = runner
  const start = pair * wordsOfAll(measures)
  eachMeasure(job, start, (measure, at) => startState(measure, states, at))
  const moments = measures.some(({ kind }) => kind === 'moments')
  if (moments) setShifts(job, runner, states, start, false)
  forBlocks(
    from,
    to,
    stop,
    (first, count) => {
      runner.run(rowStart + first, count, rowStart + to)
      if (moments && first === from) {
        // The first block is run twice: once to learn a mean, and again with it subtracted.
        eachMeasure(
          job,
          start,
          (measure, at) => measure.kind === 'moments' && absorbBlock(measure, runner.instance, states, at, first, count),
        )
        setShifts(job, runner, states, start, true)
        eachMeasure(job, start, (measure, at) => measure.kind === 'moments' && startState(measure, states, at))
        runner.run(rowStart + first, count, rowStart + to)
      }
      for (let m = 0, at = start; m < measures.length; m++) {
        const measure = measures[m] as Measure
        absorbBlock(measure, instance, states, at, first, count)
        at += wordsOf(measure.kind)
      }
      if (moments) setShifts(job, runner, states, start, true)
    },
    instance.kernel.blockLength,
  )
}

/** Subtracts the mean so far from the next block: it loses no digits then, wherever the elements lie. */
function setShifts(job: ReduceJob, { instance }: ExpressionRunner, { f }: States, start: number, known: boolean): void {
  eachMeasure(job, start, ({ kind, extra }, at) => {
    if (kind !== 'moments') return
    const mean = known ? (f[at + 1] as number) : 0
    const address = instance.kernel.parameters[extra]?.address as number
    for (const lane of [address, address + 8]) instance.view.setFloat64(lane, Number.isFinite(mean) ? mean : 0, true)
  })
}

function eachMeasure(
  job: Pick<ReduceJob, 'measures'>,
  start: number,
  body: (measure: ReduceJob['measures'][number], at: number) => void,
): void {
  let at = start
  for (const measure of job.measures) {
    body(measure, at)
    at += wordsOf(measure.kind)
  }
}

/** Merges the segments of every row, neighbours first, into the state of the first; the others are used up. */
export function mergeSegments(job: Pick<ReduceJob, 'measures' | 'rows' | 'rowLength' | 'segmentLength' | 'states'>): void {
  const states = new States(job.states)
  const segments = segmentCount(job)
  const words = wordsOfAll(job.measures)
  for (let row = 0; row < job.rows; row++) {
    for (let distance = 1; distance < segments; distance *= 2) {
      for (let segment = 0; segment + distance < segments; segment += 2 * distance) {
        const into = (row * segments + segment) * words
        eachMeasure(job, into, (measure, at) => mergeStates(measure, states, at, states, at + distance * words))
      }
    }
  }
}
