/**
 * How threads share a job: each claims the next task from a counter in shared memory until none is left. Which thread runs
 * which task shows nowhere in the results.
 */
import { performance } from '../../base/globals.js'
import type { Stop } from './job.ts'
import { type Job, openJob } from './run-job.ts'

const nextTask = 0
const stopped = 1

/** Shared by the threads of one job: [next task, 1 when to stop]. */
export type Control = SharedArrayBuffer

export const newControl = (): Control => new SharedArrayBuffer(8)

export function requestStop(control: Control): void {
  Atomics.store(new Int32Array(control), stopped, 1)
}

/** [task, started, settled] of each task that a slice ran, in milliseconds since the epoch. */
export type TaskTimes = Float64Array

export interface Slice {
  readonly finished: boolean
  readonly times: TaskTimes
}

/**
 * Claims and runs tasks of a job for about `sliceMs` milliseconds; the rest is for the next slice, so that other work gets its turn.
 *
 * @param control shared by all threads of the job
 * @throws what a task throws
 */
export function runSlice(job: Job, control: Control, sliceMs: number): Slice {
  const shared = new Int32Array(control)
  const stop: Stop = () => Atomics.load(shared, stopped) !== 0
  const until = performance.now() + sliceMs
  const times: number[] = []
  const open = openJob(job)
  try {
    for (;;) {
      if (stop()) return { finished: true, times: Float64Array.from(times) }
      const startedAt = performance.now()
      if (startedAt >= until) return { finished: false, times: Float64Array.from(times) }
      const task = Atomics.add(shared, nextTask, 1)
      if (task >= job.tasks) return { finished: true, times: Float64Array.from(times) }
      open.run(task, stop)
      times.push(task, performance.timeOrigin + startedAt, performance.timeOrigin + performance.now())
    }
  } finally {
    open.close()
  }
}
