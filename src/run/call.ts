/** One direct call of a worker function, as a task of whatever run the caller is in. */
import { performance } from '../base/globals.js'
import { currentFrame, type TaskContext } from '../base/frame.ts'
import { closeRun, newTask, observed, openRun, type RunRecord, taskSettled, taskStarted } from '../base/observer.ts'
import { isElsewhere, threadRow } from '../base/rows.ts'
import { messageBytes } from '../encoding/message-size.js'
import type { CallOptions, FunctionRef, Timing } from './executor.ts'

/** What the function sees on its worker, from the context of the call here. */
export function contextOptions({ index, attempt, deadline, idempotencyKey }: TaskContext): CallOptions {
  return { index, attempt, deadline, idempotencyKey }
}

/** The options that most calls share: those of the same task. */
let plain: CallOptions = {}

export function call(ref: FunctionRef, args: readonly unknown[], options?: CallOptions): Promise<unknown> {
  const { cancellation } = currentFrame()
  if (plain.cancellation !== cancellation) plain = { cancellation }
  const given = options ? { cancellation, ...options } : plain
  return observed() ? observedCall(ref, args, given) : ref.executor.call(ref, args, given)
}

/** The run of the direct calls of a function; it stays open, because nobody knows which call is the last. */
const runs = new WeakMap<FunctionRef, { run: RunRecord; calls: number; open: number }>()

async function observedCall(ref: FunctionRef, args: readonly unknown[], options: CallOptions): Promise<unknown> {
  const frame = currentFrame()
  let entry = runs.get(ref)
  if (!entry || entry.open === 0) {
    entry = { run: openRun('call', ref.name, { task: frame.task, run: frame.run }, -1, -1), calls: 0, open: 0 }
    runs.set(ref, entry)
  }
  entry.open++
  const task = newTask(entry.run, entry.calls++, frame.task, performance.now())
  const timing: Timing = { row: threadRow, startedAt: 0, settledAt: 0 }
  try {
    const value = await ref.executor.call(ref, args, { ...options, timing })
    // Buffers that moved to the worker are empty here by now, and count nothing.
    if (isElsewhere(timing.row)) task.bytes = args.reduce((sum: number, arg) => sum + messageBytes(arg), messageBytes(value))
    settle(task, timing, 'done')
    return value
  } catch (error) {
    settle(task, timing, options.cancellation?.aborted ? 'cancelled' : 'failed', error)
    throw error
  } finally {
    if (--entry.open === 0) closeRun(entry.run, 'done')
  }
}

function settle(task: ReturnType<typeof newTask>, timing: Timing, state: 'done' | 'failed' | 'cancelled', error?: unknown): void {
  const now = performance.now()
  task.row = timing.row
  taskStarted(task, timing.startedAt || now)
  taskSettled(task, timing.settledAt || now, state, error)
}
