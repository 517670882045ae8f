/**
 * A trace: seven tables, a list of texts and a head.
 *
 * Times are milliseconds since the trace began ({@link TraceMeta.epochMs} in the calendar), on one clock for all threads; a time
 * that never came is -1. Texts are numbers into {@link Trace.strings}, 0 being none. Tasks stand in the order in which
 * they settled, then those that had not settled when the trace ended (state `running` or `queued`, settled at the end).
 * Tasks and runs point at each other by id, never by row; `relate.ts` resolves ids once for all analyses.
 *
 * Where a task ran is its column `row`: 0 for the thread that owns the runs, else the number of a worker, of which the table `executors` says what it is
 * and on which machine.
 */
import type { RunRecord, TaskState } from '../../base/observer.ts'
import { type Rows, type Schema, Table } from './table.ts'

/** One line per task. */
export const taskSchema = {
  id: 'u32',
  run: 'u32',
  /** Id of the task inside which it was started; 0 none. */
  parent: 'u32',
  /** Position in its run. */
  index: 'i32',
  /** A name of its own, else 0. */
  name: 'u32',
  /** Its needs are the rows of the table `needs` from the previous task's `needsEnd` up to this one. */
  needsEnd: 'u32',
  row: 'u32',
  queuedAt: 'f64',
  readyAt: 'f64',
  startedAt: 'f64',
  settledAt: 'f64',
  attempts: 'u16',
  limiterMs: 'f32',
  retryMs: 'f32',
  /** Bytes known to have crossed to another thread or machine; 0 when unknown. */
  bytes: 'f32',
  /** Number into {@link taskStates}. */
  state: 'u8',
  /** JSON of a {@link TraceError}. */
  error: 'u32',
} as const satisfies Schema

/** Ids of needed tasks, all tasks' one after the other. */
export const needSchema = { task: 'u32' } as const satisfies Schema

/** One line per run: an execution of a graph, map, stream or scope. In order of start. */
export const runSchema = {
  id: 'u32',
  kind: 'u32',
  name: 'u32',
  parentTask: 'u32',
  parentRun: 'u32',
  startedAt: 'f64',
  settledAt: 'f64',
  /** -1 when unknown. */
  total: 'f64',
  /** -1 when not fixed, `Infinity` when unbounded. */
  concurrency: 'f64',
  /** Number into {@link runStates}. */
  state: 'u8',
} as const satisfies Schema

/** Something worth saying that is not a task. `data` is JSON of an object of numbers and texts. */
export const noteSchema = { at: 'f64', run: 'u32', kind: 'u32', text: 'u32', data: 'u32' } as const satisfies Schema

/** The process, some ten times a second; shares are of the time since the sample before. */
export const sampleSchema = {
  at: 'f64',
  /** Share of the time in which the event loop of the owning thread was busy. */
  busy: 'f32',
  /** How late the sample came: how long the event loop was held. */
  delayMs: 'f32',
  /** Processor time of all threads per time: how many cores were in use. */
  cores: 'f32',
  /** Resident set; 0 before it was first read. */
  rssBytes: 'f64',
} as const satisfies Schema

/** Processor time beside each sample: one line for each thread or process that did something since the sample before. */
export const processorSchema = {
  /** That of the sample. */
  at: 'f64',
  /** 0 this thread, from 1 up a worker, -1 all other threads, -2 child processes, -3 other programs of the machine. */
  row: 'i32',
  /** Time on a core. */
  cpuMs: 'f32',
  /** Time ready to run, waiting for a core; 0 where the system does not count it. */
  waitMs: 'f32',
  /** For how long the event loop was busy; of children, the time on a core of those that ended before they were seen. */
  busyMs: 'f32',
  /** Of children: how many of this process's own were alive. */
  alive: 'u16',
} as const satisfies Schema

/** One line for each row that ran a task: what it is, and where. */
export const executorSchema = {
  /** As in the column `row` of tasks. */
  row: 'u32',
  /** Text: `this thread`, `thread`, `process` or `remote`. */
  kind: 'u32',
  /** Text: name of the machine; empty for the one that recorded. */
  machine: 'u32',
  /** Text: what to call it; empty: `worker` and the row. */
  name: 'u32',
} as const satisfies Schema

export const schemas = {
  needs: needSchema,
  tasks: taskSchema,
  runs: runSchema,
  notes: noteSchema,
  samples: sampleSchema,
  processors: processorSchema,
  executors: executorSchema,
} as const
export type TableName = keyof typeof schemas
/** The order in which they are written; never changes but at the end. */
export const tableNames = Object.keys(schemas) as readonly TableName[]

export type TraceTables = { readonly [K in TableName]: Table<(typeof schemas)[K]> }
export type TaskRows = Rows<typeof taskSchema>

export const taskStates: readonly TaskState[] = ['queued', 'running', 'done', 'failed', 'cancelled']
export const runStates: readonly RunRecord['state'][] = ['running', 'done', 'failed', 'cancelled']

export function newTables(): TraceTables {
  return {
    needs: new Table(needSchema),
    tasks: new Table(taskSchema),
    runs: new Table(runSchema),
    notes: new Table(noteSchema),
    samples: new Table(sampleSchema),
    processors: new Table(processorSchema),
    executors: new Table(executorSchema),
  }
}

/** What a trace says of the program and the machine. */
export interface TraceMeta {
  /** What was recorded: a file's name, or what the caller said. */
  readonly name: string
  /** When it began, in milliseconds since 1970. */
  readonly epochMs: number
  /** How many milliseconds it covers. */
  readonly durationMs: number
  /** What wall time means: all of it, or from the first run's start to the last one's end (a whole program, which also loads). */
  readonly window: 'all' | 'runs'
  /** Processors that the machine offered. */
  readonly cores: number
  /** Version of the runtime, such as `node 20.20.2`. */
  readonly runtime: string
  /** Whose processor time is known: that of each thread (Linux), or only that of the whole process. @default 'process' */
  readonly processorTime?: 'threads' | 'process' | undefined
  /** Threads of libuv's pool, where asynchronous work of the file system, of zlib and of crypto is done, as well as that of many native modules. @default 4 */
  readonly poolThreads?: number | undefined
  /** False when the recording program ended without ending the trace. */
  readonly complete: boolean
}

/** What an error column's text says. */
export interface TraceError {
  readonly name: string
  readonly message: string
  readonly code?: string
  readonly stack?: string
}

/** A finished recording, or the state of one that goes on. */
export interface Trace {
  readonly meta: TraceMeta
  readonly strings: readonly string[]
  readonly tasks: TaskRows
  readonly needs: Rows<typeof needSchema>
  readonly runs: Rows<typeof runSchema>
  readonly notes: Rows<typeof noteSchema>
  readonly samples: Rows<typeof sampleSchema>
  readonly processors: Rows<typeof processorSchema>
  readonly executors: Rows<typeof executorSchema>
}

export function makeTrace(meta: TraceMeta, strings: readonly string[], tables: TraceTables): Trace {
  return { meta, strings, ...rowsOf(tables) }
}

/** The same of tables that do not change any more, and are asked for only when somebody looks at one. */
export function makeTraceLater(meta: TraceMeta, strings: readonly string[], tables: () => TraceTables): Trace {
  let rows: TraceRows | undefined
  const look = (): TraceRows => (rows ??= rowsOf(tables()))
  const trace: Trace = {
    meta,
    strings,
    get tasks() {
      return look().tasks
    },
    get needs() {
      return look().needs
    },
    get runs() {
      return look().runs
    },
    get notes() {
      return look().notes
    },
    get samples() {
      return look().samples
    },
    get processors() {
      return look().processors
    },
    get executors() {
      return look().executors
    },
  }
  // Printed like any other.
  return Object.defineProperty(trace, Symbol.for('nodejs.util.inspect.custom'), { value: () => ({ meta, strings, ...look() }) })
}

type TraceRows = Pick<Trace, TableName>

function rowsOf({ tasks, needs, runs, notes, samples, processors, executors }: TraceTables): TraceRows {
  return {
    tasks: tasks.rows(),
    needs: needs.rows(),
    runs: runs.rows(),
    notes: notes.rows(),
    samples: samples.rows(),
    processors: processors.rows(),
    executors: executors.rows(),
  }
}

/** The error of a task that failed, by its `row` in the table of a `trace`; undefined when it did not fail. Never throws. */
export function taskError(trace: Trace, row: number): TraceError | undefined {
  const text = trace.strings[trace.tasks.error[row] ?? 0]
  if (text === undefined || text === '') return undefined
  try {
    const parsed: unknown = JSON.parse(text)
    if (typeof parsed !== 'object' || parsed === null) return undefined
    const { name, message, code, stack } = parsed as Record<string, unknown>
    return {
      name: String(name ?? 'Error'),
      message: String(message ?? ''),
      ...(typeof code === 'string' && { code }),
      ...(typeof stack === 'string' && { stack }),
    }
  } catch {
    return undefined
  }
}
