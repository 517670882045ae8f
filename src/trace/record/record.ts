import { nameOf } from '../../base/look.js'
import { checkFunction, checkOptions, rules } from '../../base/options.ts'
import { toError } from '../../base/errors.ts'
import { currentFrame, enterFrame, type Frame } from '../../base/frame.ts'
import { closeRun, openRun } from '../../base/observer.ts'
import type { Trace } from '../model/trace.ts'
import { Recorder } from './recorder.ts'

/** Options of {@link record}. */
export interface RecordOptions {
  /** The name in the trace. @default the function's name */
  readonly name?: string
}

/** What {@link record} gives. */
export interface Recorded<T> {
  readonly value: T
  readonly trace: Trace
}

const traces = new WeakMap<object, Trace>()

/** The trace of a {@link record} that rejected with this `error`; undefined when there is none. Never throws. */
export function traceOf(error: unknown): Trace | undefined {
  return typeof error === 'object' && error !== null ? traces.get(error) : undefined
}

/**
 * Runs `fn` and records every task that is started inside it, on whatever thread it runs. Several recordings at once do not
 * mix, and one inside another has only its own part.
 *
 * @throws what `fn` throws; {@link traceOf} gives the trace of that error
 * @throws {InvalidOption} when `fn` is not a function, or for a wrong option
 * @example
 * const { value, trace } = await record(() => map(urls, fetchPage))
 * console.log(explain(trace).verdict)
 */
export async function record<T>(fn: () => T | PromiseLike<T>, options: RecordOptions = {}): Promise<Recorded<T>> {
  checkFunction(fn, 'fn', 'record')
  checkOptions<RecordOptions>(options, { name: rules.string }, 'record')
  const parent = currentFrame()
  const name = options.name ?? nameOf(fn)
  const run = openRun('call', name, { task: parent.task, run: parent.run }, -1, -1)
  const frame: Frame = { ...parent, parent, run: run.id, label: () => `record "${name}"` }
  const recorder = new Recorder({ name, root: run.id })
  try {
    const value = await enterFrame(frame, fn)
    closeRun(run, 'done')
    return { value, trace: recorder.end() }
  } catch (thrown) {
    closeRun(run, 'failed')
    const error = typeof thrown === 'object' && thrown !== null ? thrown : toError(thrown)
    traces.set(error, recorder.end())
    throw error
  }
}
