/**
 * Events of the lower layers, on `node:diagnostics_channel`, which costs one boolean check
 * while nobody listens. Nothing here knows traces, spans or screens; the `trace` folder and any other listener
 * subscribe by name (`heddle:task:settle` …).
 *
 * Times are milliseconds of `performance.now()` on the thread that owns the run; worker times are moved onto that clock.
 */
import { performance } from './globals.js'
import { channel } from 'node:diagnostics_channel'

export type RunKind = 'all' | 'map' | 'mapReduce' | 'graph' | 'scope' | 'scatter' | 'stream' | 'call'

/** One execution of a graph, map, stream or scope: the group that its tasks belong to. */
export interface RunRecord {
  readonly id: number
  readonly kind: RunKind
  /** What a person would call it: the graph's name, the mapped function's name. */
  readonly name: string
  /** The task inside which the run was started; 0 when none. */
  readonly parentTask: number
  /** The run inside which it was started; 0 when none. */
  readonly parentRun: number
  readonly startedAt: number
  settledAt: number
  /** Number of items or tasks where it is known in advance, else -1. */
  total: number
  /** In-flight limit; -1 when it is not fixed. */
  concurrency: number
  state: 'running' | 'done' | 'failed' | 'cancelled'
}

export type TaskState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled'

/** One task. The same object is published when it starts and when it settles; its fields fill up in between. */
export interface TaskRecord {
  readonly id: number
  readonly run: RunRecord
  /** A name of its own (graph tasks, keys of `all`), else undefined: then the run's name and the index say it. */
  readonly name: string | undefined
  readonly index: number
  /** The task inside which it was started; 0 when none. */
  readonly parent: number
  /** Ids of the tasks whose results it needed. */
  needs: readonly number[] | undefined
  /** Where it ran: 0 this thread, else the number of the worker (from 1 up, never used again for another). */
  row: number
  /** Known to the scheduler. */
  queuedAt: number
  /** All its needs were there. */
  readyAt: number
  startedAt: number
  settledAt: number
  /** Number of attempts, from 1 up. */
  attempts: number
  /** Milliseconds spent waiting on limiters, out of the time between ready and settled. */
  limiterMs: number
  /** Milliseconds spent pausing between attempts. */
  retryMs: number
  /** Bytes known to have crossed to another thread or machine (buffers, text), there and back; 0 when unknown. */
  bytes: number
  state: TaskState
  error: unknown
}

/** Something worth saying that is not a task: a worker started or died, batches waited for a machine, a map finished inline, concurrency was adapted, results came from a journal, a result was never used. */
export interface Note {
  readonly at: number
  /** The run it belongs to; 0 when none. */
  readonly run: number
  readonly kind:
    | 'worker-start'
    | 'worker-end'
    | 'worker-crash'
    | 'inline'
    | 'contained'
    | 'copying'
    | 'queueing'
    | 'batch'
    | 'checkpoint'
    | 'concurrency'
    | 'limit'
    | 'signal'
    | 'unused'
    | 'other'
  readonly text: string
  readonly data?: Readonly<Record<string, number | string>>
}

export const channels = {
  runStart: channel('heddle:run:start'),
  runSettle: channel('heddle:run:settle'),
  taskStart: channel('heddle:task:start'),
  taskSettle: channel('heddle:task:settle'),
  note: channel('heddle:note'),
} as const

/**
 * A task without a record of its own: on this thread, ready at once, done at the first attempt. The object is used again for the next one, so who hears
 * of it keeps its numbers. (As arguments, two of them would be allocated anew for every task.)
 */
export interface PlainTask {
  readonly run: RunRecord
  readonly id: number
  readonly index: number
  readonly startedAt: number
  readonly settledAt: number
}

/** Tasks of one run that settled together: those of a batch that came back from a worker, or of a slice of a map. Done at the first attempt. */
export interface TaskBatch {
  readonly run: RunRecord
  /** Id and index of the first; those of the others follow. */
  readonly firstId: number
  readonly firstIndex: number
  readonly row: number
  /** When they were handed out. */
  readonly queuedAt: number
  /** In order of settling. */
  readonly startedAt: ArrayLike<number>
  readonly settledAt: ArrayLike<number>
  /** Of each, on average. */
  readonly bytes: number
}

/** Where plain tasks are run one after the other: it is the task at hand, while that is under way. */
export interface PlainLane extends PlainTask {
  readonly underWay: boolean
}

/**
 * A recorder of this package. It is called directly: publishing on a channel costs a trivial task more than writing its row, and a channel that gets
 * or loses its only subscriber changes its prototype, which costs a short recording more than its tasks. Its methods must not throw.
 */
export interface Listener {
  runStarted(run: RunRecord): void
  runSettled(run: RunRecord): void
  /** Of tasks that have a record. */
  taskStarted?: ((task: TaskRecord) => void) | undefined
  taskSettled(task: TaskRecord): void
  plainTaskSettled(task: PlainTask): void
  /** @default `plainTaskSettled` of each */
  batchSettled?: ((batch: TaskBatch) => void) | undefined
  noted(note: Note): void
}

const listeners: Listener[] = []

/** The lanes that are observed, for who wants to know what is under way: telling of every start would cost more than all the rest. */
export const observedLanes = new Set<PlainLane>()

/** Calls the listener for everything that happens, until the function that is returned is called. */
export function listen(listener: Listener): () => void {
  listeners.push(listener)
  return () => {
    const at = listeners.indexOf(listener)
    if (at >= 0) listeners.splice(at, 1)
  }
}

/** True while somebody wants to know of tasks: the one check that an unobserved run pays. */
export function observed(): boolean {
  return listeners.length > 0 || recordsObserved()
}

/** True while somebody wants the record of every task: not listeners, which can do without for plain ones. */
export function recordsObserved(): boolean {
  return channels.taskSettle.hasSubscribers || channels.taskStart.hasSubscribers
}

export function note(kind: Note['kind'], run: number, text: string, data?: Note['data']): void {
  if (listeners.length === 0 && !channels.note.hasSubscribers) return
  const note: Note = { at: performance.now(), run, kind, text, ...(data && { data }) }
  for (const listener of listeners) listener.noted(note)
  if (channels.note.hasSubscribers) channels.note.publish(note)
}

let lastRun = 0
let lastTask = 0

/** A fresh run; publishes its start. */
export function openRun(
  kind: RunKind,
  name: string,
  parent: { readonly task: number; readonly run: number },
  total: number,
  concurrency: number,
): RunRecord {
  const run: RunRecord = {
    id: ++lastRun,
    kind,
    name,
    parentTask: parent.task,
    parentRun: parent.run,
    startedAt: performance.now(),
    settledAt: 0,
    total,
    concurrency,
    state: 'running',
  }
  for (const listener of listeners) listener.runStarted(run)
  if (channels.runStart.hasSubscribers) channels.runStart.publish(run)
  return run
}

export function closeRun(run: RunRecord, state: RunRecord['state']): void {
  run.settledAt = performance.now()
  run.state = state
  for (const listener of listeners) listener.runSettled(run)
  if (channels.runSettle.hasSubscribers) channels.runSettle.publish(run)
}

/** For a task that has no record yet, and may never have one. */
export function newTaskId(): number {
  return ++lastTask
}

/** Ids for a number of tasks, next to each other; returns the first. */
export function newTaskIds(count: number): number {
  lastTask += count
  return lastTask - count + 1
}

/** A fresh task of a run, ready from the start unless the caller says otherwise. Publishes nothing yet. */
export function newTask(
  run: RunRecord,
  index: number,
  parent: number,
  queuedAt: number,
  name?: string,
  id = newTaskId(),
): TaskRecord {
  return {
    id,
    run,
    name,
    index,
    parent,
    needs: undefined,
    row: 0,
    queuedAt,
    readyAt: queuedAt,
    startedAt: 0,
    settledAt: 0,
    attempts: 1,
    limiterMs: 0,
    retryMs: 0,
    bytes: 0,
    state: 'queued',
    error: undefined,
  }
}

/** The record of a plain task, which begins when it is ready. */
export function recordOf({ run, id, index, startedAt }: PlainTask): TaskRecord {
  const task = newTask(run, index, run.parentTask, startedAt, undefined, id)
  task.startedAt = startedAt
  task.state = 'running'
  return task
}

export function taskStarted(task: TaskRecord, at: number): void {
  task.startedAt = at
  task.state = 'running'
  for (const listener of listeners) listener.taskStarted?.(task)
  if (channels.taskStart.hasSubscribers) channels.taskStart.publish(task)
}

export function taskSettled(task: TaskRecord, at: number, state: TaskState, error?: unknown): void {
  task.settledAt = at
  task.state = state
  task.error = error
  for (const listener of listeners) listener.taskSettled(task)
  if (channels.taskSettle.hasSubscribers) channels.taskSettle.publish(task)
}

/** The end of a task that has no record, that only listeners get. */
export function plainTaskSettled(task: PlainTask): void {
  // A loop by index: this is called once per trivial task.
  for (let i = 0; i < listeners.length; i++) (listeners[i] as Listener).plainTaskSettled(task)
}

/** The end of many tasks that have no record, that only listeners get. */
export function batchSettled(batch: TaskBatch): void {
  for (const listener of listeners) {
    if (listener.batchSettled) listener.batchSettled(batch)
    else for (let i = 0; i < batch.settledAt.length; i++) listener.plainTaskSettled(plainOf(batch, i))
  }
}

function plainOf({ run, firstId, firstIndex, startedAt, settledAt }: TaskBatch, i: number): PlainTask {
  return { run, id: firstId + i, index: firstIndex + i, startedAt: startedAt[i] as number, settledAt: settledAt[i] as number }
}
