/**
 * One task of a run on its way: queued, started, settled. Everything that forks a single function (`scope`, `all`, graphs,
 * and `map` when an option or an observer asks for more than the bare call) goes through {@link runTask}.
 */
import { performance } from '../base/globals.js'
import type { Cancellation } from '../base/abort.ts'
import type { Frame, TaskContext } from '../base/frame.ts'
import { enterFrame } from '../base/frame.ts'
import { newTask, observed, type TaskRecord, taskSettled, taskStarted } from '../base/observer.ts'
import { closeFrame, openFrame } from '../base/wait-graph.ts'
import type { CallScope } from '../limits/attempt.ts'
import type { Policy } from '../limits/policy.ts'
import { type Group, GroupContext } from './group.ts'

export interface TaskSpec {
  readonly group: Group
  readonly index: number
  /** A name of its own, else the index stands for it. */
  readonly name?: string | undefined
  readonly policy?: Policy | undefined
  /** What the function gets, for limiters that compute a cost from it. @default nothing */
  readonly args?: readonly unknown[] | undefined
  /** Ids of the tasks whose results it needed, when those were observed. */
  readonly needs?: readonly number[] | undefined
  /** When it became known and when its needs were met, in milliseconds of `performance.now()`. @default now */
  readonly queuedAt?: number | undefined
  readonly readyAt?: number | undefined
  /** The frame to run in, when the caller has one that it uses again and has entered. @default a fresh one */
  readonly frame?: Frame | undefined
  /** The frame whose code forked it and need not await it. @default none: the run awaits it */
  readonly starter?: Frame | undefined
  /** What the function sees where no policy makes an attempt of it, and what cancels the task. @default that of the group */
  readonly context?: (TaskContext & { readonly cancellation: Cancellation }) | undefined
  /** Gets the record, before the start. */
  readonly onRecord?: ((record: TaskRecord) => void) | undefined
}

/** Runs `fn` as a task; settles as it does. Never throws synchronously. */
export async function runTask<T>(spec: TaskSpec, fn: (context: TaskContext) => T | PromiseLike<T>): Promise<T> {
  const { group, index, policy } = spec
  const frame = spec.frame ?? taskFrame(spec)
  const own = spec.context ? undefined : new GroupContext(group, index)
  const base = spec.context ?? (own as GroupContext)
  const { cancellation } = spec.context ?? group
  frame.context = base
  frame.cancellation = cancellation
  const record = observed() ? openTask(spec, frame) : undefined
  const call = (): T | PromiseLike<T> => {
    if (!policy) {
      if (record) taskStarted(record, performance.now())
      return fn(base)
    }
    return policy.run(
      (attempt) => {
        frame.context = attempt
        frame.cancellation = attempt.cancellation
        if (record?.state === 'queued') taskStarted(record, performance.now())
        return fn(attempt)
      },
      new TaskCall(spec, frame, base, record),
    )
  }
  try {
    if (!spec.frame) openFrame(frame)
    const value = await (spec.frame ? call() : enterFrame(frame, call))
    if (record) taskSettled(record, performance.now(), 'done')
    return value
  } catch (error) {
    if (record) taskSettled(record, performance.now(), cancellation.aborted ? 'cancelled' : 'failed', error)
    throw error
  } finally {
    own?.close()
    if (!spec.frame) closeFrame(frame)
  }
}

/** A class, and no object with a getter: V8 keeps functions that are written there, with all they refer to, until the next full collection. */
class TaskCall implements CallScope {
  readonly cancellation: Cancellation
  readonly deadline: number
  readonly index: number
  readonly context: TaskContext
  readonly record: TaskRecord | undefined
  readonly args: readonly unknown[]
  readonly #frame: Frame

  constructor({ group, index, args = [], context }: TaskSpec, frame: Frame, base: TaskContext, record: TaskRecord | undefined) {
    this.cancellation = (context ?? group).cancellation
    this.deadline = group.deadline
    this.index = index
    this.context = base
    this.record = record
    this.args = args
    this.#frame = frame
  }

  /** Only messages ask for it. */
  get name(): string {
    return this.#frame.label()
  }
}

function taskFrame({ group, name, starter }: TaskSpec): Frame {
  const label = (context: TaskContext): string =>
    name === undefined ? `${group.label()} task ${context.index}` : `task "${name}"`
  return group.frame(label, runTask.name, starter)
}

function openTask(spec: TaskSpec, frame: Frame): TaskRecord {
  const { group } = spec
  const record = newTask(group.record, spec.index, group.record.parentTask, spec.queuedAt ?? performance.now(), spec.name)
  if (spec.readyAt !== undefined) record.readyAt = spec.readyAt
  record.needs = spec.needs
  frame.task = record.id
  spec.onRecord?.(record)
  return record
}
