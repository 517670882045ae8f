/**
 * Runs jobs: on this thread where that is quicker than to wake others, else on heddle's shared threads. While
 * somebody observes, every task is published as a task of the job's run.
 */
import { performance, setImmediate } from '../../base/globals.js'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'
import { pathToFileURL } from 'node:url'
import { fileBeside } from '../../base/package-url.ts'
import { type Cancellation, cancelled } from '../../base/abort.ts'
import { currentFrame } from '../../base/frame.ts'
import { closeRun, newTask, note, observed, openRun, type RunRecord, taskSettled, taskStarted } from '../../base/observer.ts'
import { threadRow } from '../../base/rows.ts'
import { type Executor, type FunctionRef, refOf, type Timing } from '../../run/executor.ts'
import { type WorkerFunctions, workers } from '../../workers/define.ts'
import { insideWorker } from '../../workers/in-worker.ts'
import { type Control, newControl, requestStop, runSlice, type Slice } from './claim.ts'
import type { Job } from './run-job.ts'

/** How long a thread works on a job before it asks for the next turn; also how often progress shows. */
const sliceMs = 100
/** How long this thread works on a job before it lets timers and I/O through. */
const inlineSliceMs = 5
/** Expected time below which waking threads costs more than it saves: a round trip takes 20 to 50 µs. */
const inlineBelowMs = 0.2

export interface JobOptions {
  /** Threads to use at most; 0: this one. */
  readonly threads: number
  readonly on: Executor | undefined
  readonly cancellation: Cancellation
}

type KernelWorker = typeof import('./kernel-worker.ts')
let functions: WorkerFunctions<KernelWorker> | undefined

/** Beside this file in the sources, an entry of its own in the build, or in the installed package when this code was bundled. */
function workerModule(): URL {
  if (import.meta.url.endsWith('.ts')) return fileBeside(import.meta.url, './kernel-worker.ts')
  const beside = ['./array/kernel-worker.js', './kernel-worker.js']
    .map((path) => fileBeside(import.meta.url, path))
    .find((url) => existsSync(url))
  return beside ?? pathToFileURL(createRequire(import.meta.url).resolve('heddle/array/kernel-worker'))
}

/** Inside a worker its own thread computes: slices are for threads of their own. */
export function kernelFunctions(): WorkerFunctions<KernelWorker> | undefined {
  if (insideWorker()) return undefined
  functions ??= workers<KernelWorker>(workerModule())
  return functions
}

const kernelWorker = (): FunctionRef | undefined => refOf(kernelFunctions()?.runSlice)

/**
 * Runs all tasks of a job.
 * @param expectedMs on one thread, for choosing where.
 * @throws what a task throws, or why it was cancelled; nothing runs any more then
 */
export async function runJob(job: Job, expectedMs: number, options: JobOptions): Promise<void> {
  if (options.cancellation.aborted) throw cancelled(options.cancellation.reason, job.label)
  const ref = options.threads === 0 || (expectedMs < inlineBelowMs && !options.on) ? undefined : kernelWorker()
  const executor = options.on ?? ref?.executor
  const lanes = ref && executor ? Math.min(options.threads, executor.slots, job.tasks) : 0
  const control = newControl()
  const run = observed() ? openJobRun(job, lanes) : undefined
  const unsubscribe = options.cancellation.subscribe(() => requestStop(control))
  try {
    if (!ref || !executor || lanes === 0) await runHere(job, control, run)
    else
      await settleAll(
        Array.from({ length: lanes }, () => runThere(job, control, executor, ref, run)),
        control,
      )
    if (options.cancellation.aborted) throw cancelled(options.cancellation.reason, job.label)
    if (run) closeRun(run, 'done')
  } catch (error) {
    if (run) closeRun(run, options.cancellation.aborted ? 'cancelled' : 'failed')
    throw error
  } finally {
    unsubscribe()
  }
}

function openJobRun(job: Job, lanes: number): RunRecord {
  const frame = currentFrame()
  const run = openRun('map', job.label, { task: frame.task, run: frame.run }, job.tasks, lanes === 0 ? 1 : lanes)
  if (lanes === 0) note('inline', run.id, `${job.label} is small: run on this thread`)
  return run
}

async function runHere(job: Job, control: Control, run: RunRecord | undefined): Promise<void> {
  for (;;) {
    const slice = runSlice(job, control, inlineSliceMs)
    publish(run, slice, threadRow)
    if (slice.finished) return
    await new Promise((resolve) => setImmediate(resolve))
  }
}

async function runThere(
  job: Job,
  control: Control,
  executor: Executor,
  ref: FunctionRef,
  run: RunRecord | undefined,
): Promise<void> {
  for (;;) {
    const timing: Timing = { row: threadRow, startedAt: 0, settledAt: 0 }
    const slice = (await executor.call(ref, [job, control, sliceMs], { timing })) as Slice
    publish(run, slice, timing.row)
    if (slice.finished) return
  }
}

/** Waits for all lanes; the first failure stops the others. */
async function settleAll(lanes: readonly Promise<void>[], control: Control): Promise<void> {
  const outcomes = await Promise.allSettled(
    lanes.map((lane) =>
      lane.catch((error: unknown) => {
        requestStop(control)
        throw error
      }),
    ),
  )
  const failure = outcomes.find((outcome) => outcome.status === 'rejected')
  if (failure) throw failure.reason
}

function publish(run: RunRecord | undefined, { times }: Slice, row: number): void {
  if (!run) return
  for (let i = 0; i < times.length; i += 3) {
    const task = newTask(run, times[i] as number, run.parentTask, run.startedAt)
    task.row = row
    taskStarted(task, (times[i + 1] as number) - performance.timeOrigin)
    taskSettled(task, (times[i + 2] as number) - performance.timeOrigin, 'done')
  }
}
