/**
 * Writes the events of the lower layers into tables. One row per task, written once, when it settles; of a plain task
 * only a few numbers are kept until somebody looks. No object is made per task, so recording costs little beyond reading the clock.
 *
 * A recorder takes either every run of the program (`heddle run`), or one run and what was started inside it
 * (`record()`), so that two recordings in one server do not mix.
 */
import { performance } from '../../base/globals.js'
import { availableParallelism } from 'node:os'
import {
  type Listener,
  listen,
  type Note,
  type PlainTask,
  type RunRecord,
  type TaskBatch,
  type TaskRecord,
} from '../../base/observer.ts'
import { isElsewhere, rowRecord, threadRow } from '../../base/rows.ts'
import type { Changes, PlainRows } from '../format/encode.ts'
import { ErrorTexts } from './error-text.ts'
import {
  makeTrace,
  makeTraceLater,
  newTables,
  runStates,
  taskStates,
  type Trace,
  type TraceMeta,
  type TraceTables,
} from '../model/trace.ts'
import { OpenTasks } from './open-tasks.ts'
import { appendPlainRow } from '../format/plain-row.ts'
import type { InCommon } from '../format/packed-tasks.ts'
import { PlainTasks } from './plain-tasks.ts'
import { poolThreads } from './pool-threads.ts'
import { Sampler } from './sampler.ts'
import { processorTimes } from '../processor/times.ts'
import { withoutSecrets } from '../../base/secrets.ts'
import { Strings } from '../model/strings.ts'

/** Fields that the record of a plain task of a lane leaves out. */
const onThisThread = { row: threadRow, queuedAt: -1, bytes: 0 }

/** Of a row that somebody else numbered. */
const unnamedRow = { kind: 'thread', machine: '', name: '' }

/** Traces are passed on. */
function cleanTexts(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? withoutSecrets(value) : value
}

/** Room is made for the tasks of a run, as far as their number is known; beyond that, tables grow by doubling. */
const expectMost = 2 ** 20

/** From this many plain tasks on, a block of their own is worth it in a stream: it takes 45 bytes besides them, less than a row, and a checksum. Chosen. */
const worthPacking = 16

const taskStateNumber = Object.fromEntries(taskStates.map((state, number) => [state, number])) as Record<string, number>
const doneNumber = taskStates.indexOf('done')
const runStateNumber = Object.fromEntries(runStates.map((state, number) => [state, number])) as Record<string, number>

/** What a recorder takes, and what it keeps. */
export interface RecorderOptions {
  /** The name in the trace. */
  readonly name: string
  /** Id of the only run to take, with everything inside it. @default every run of the program */
  readonly root?: number
  /** Whether the trace covers the whole program, or only from its first run to its last. @default see {@link TraceMeta.window} */
  readonly window?: TraceMeta['window']
  /** Also keeps tasks that have not settled yet: for files that survive a crash, and for live views. @default false */
  readonly live?: boolean
}

/** Writes the events of the running program into the tables of a trace. {@link record} is the simple way to use one. */
export class Recorder implements Listener {
  /** All that has been written; plain tasks are written when somebody looks. */
  readonly tables: { -readonly [K in keyof TraceTables]: TraceTables[K] } = newTables()
  /** Task rows that were here, and are only where the recording goes now. */
  spilled = 0
  /** Called before rows go, for who counts them. */
  beforeSpill: (() => void) | undefined
  readonly strings = new Strings()
  /** Those that came after the last row. */
  readonly plain = new PlainTasks()
  /** The tasks under way; empty unless `live`. */
  readonly open = new OpenTasks((run) => this.#options.live === true && !this.ended && this.#takes(run))
  /** `performance.now()` when the trace began. */
  readonly origin = performance.now()
  readonly #options: RecorderOptions
  readonly #errors = new ErrorTexts()
  /** Rows of the table `runs` that changed since {@link changes} was asked; kept only for live recordings. */
  #changedRuns = new Set<number>()
  /** Row of every run that may still get tasks, by id. */
  readonly #runs = new Map<number, number>()
  /** The run of the last task and whether it is taken: tasks of one run come in a row. */
  #lastRun: RunRecord | undefined
  #lastTaken = false
  /** Only where tasks under way are kept. */
  readonly taskStarted: Listener['taskStarted']
  readonly #stopListening: () => void
  readonly #sampler: Sampler
  /** Rows that the table `executors` names. */
  readonly #named = new Set<number>()
  #lastNamed: number = threadRow
  #endedAt: number | undefined
  /** Whether somebody asks for changes. */
  #streamed = false
  /** Plain tasks that have got rows since, as they were packed. */
  #pieces: PlainRows[] = []

  constructor(options: RecorderOptions) {
    this.#options = options
    this.taskStarted = options.live ? this.#taskStarted : undefined
    this.#stopListening = listen(this)
    this.#sampler = new Sampler(this.tables, this.origin, options.live === true)
  }

  /** Milliseconds since the trace began. */
  now(): number {
    return (this.#endedAt ?? performance.now()) - this.origin
  }

  /** Tasks recorded so far. */
  get count(): number {
    return this.spilled + this.tables.tasks.count + this.plain.count
  }

  get ended(): boolean {
    return this.#endedAt !== undefined
  }

  /** Stops listening. Tasks that have not settled get a row as they stand. */
  end(): Trace {
    if (this.#endedAt === undefined) {
      const open = this.open.list()
      this.#endedAt = performance.now()
      this.#stopListening()
      this.#sampler.end(this.#endedAt)
      for (const row of this.#runs.values()) {
        this.tables.runs.columns.settledAt[row] = this.now()
        this.#changedRuns.add(row)
      }
      for (const task of open) this.#appendRow(task)
      this.open.clear()
    }
    return this.snapshot()
  }

  /** The trace so far, without copying it; tasks under way are not in it. */
  snapshot(): Trace {
    const tables = (): TraceTables => {
      this.#expandPlain()
      return this.tables
    }
    // After the end nothing is added, and who never looks need not wait for the rows.
    const [meta, texts] = [this.meta(), this.strings.list]
    return this.ended ? makeTraceLater(meta, texts, tables) : makeTrace(meta, texts, tables())
  }

  /** The trace so far without the plain tasks that nobody has looked at: those are in {@link changes}. */
  written(): Trace {
    return makeTrace(this.meta(), this.strings.list, this.tables)
  }

  /** What changed since the last call besides new rows; for live recordings with one reader. */
  changes(): Changes {
    const runs = this.#changedRuns
    this.#changedRuns = new Set()
    const [tables, open] = [newTables(), this.open.list()]
    tables.tasks.reserve(open.length)
    for (const task of open) this.#writeTask(task, tables)
    const plain = [...this.#pieces, this.#takePlain()]
    this.#pieces = []
    this.#streamed = true
    return { runs, open: tables.tasks.rows(), plain }
  }

  /**
   * Forgets the task rows so far, all of which the reader of {@link changes} has written where they can be read again. Traces that the recorder gives
   * lack them from then on. Gives their number.
   */
  spill(): number {
    this.beforeSpill?.()
    const { count } = this.tables.tasks
    this.tables.tasks = newTables().tasks
    this.spilled += count
    return count
  }

  #takePlain(): PlainRows {
    const piece = this.plain.take()
    return { ...piece, origin: this.origin, row: this.tables.tasks.count + piece.from, needsEnd: this.tables.needs.count }
  }

  /** The head of the trace as it stands. */
  meta(): TraceMeta {
    return {
      name: this.#options.name,
      epochMs: performance.timeOrigin + this.origin,
      durationMs: this.now(),
      window: this.#options.window ?? 'all',
      cores: availableParallelism(),
      runtime: `node ${process.versions.node}`,
      processorTime: processorTimes.byThread ? 'threads' : 'process',
      poolThreads: poolThreads(),
      complete: this.ended,
    }
  }

  /** @internal A run has started. */
  runStarted(run: RunRecord): void {
    if (this.#options.root === undefined || run.parentRun === this.#options.root || this.#runs.has(run.parentRun))
      this.#addRun(run)
  }

  #addRun(run: RunRecord): void {
    if (this.#runs.size === 0) this.#sampler.edge()
    const row = this.tables.runs.append()
    const columns = this.tables.runs.columns
    columns.id[row] = run.id
    columns.kind[row] = this.strings.intern(run.kind)
    columns.name[row] = this.strings.intern(run.name, withoutSecrets)
    columns.parentTask[row] = run.parentTask
    columns.parentRun[row] = run.parentRun === this.#options.root ? 0 : run.parentRun
    columns.startedAt[row] = this.#relative(run.startedAt)
    columns.settledAt[row] = -1
    columns.total[row] = run.total
    columns.concurrency[row] = run.concurrency
    this.#runs.set(run.id, row)
    this.#lastRun = undefined
    if (run.total > 0) {
      this.plain.expect(run.total)
      this.tables.tasks.expect(Math.min(run.total, expectMost))
    }
  }

  /** @internal A run has settled. */
  runSettled(run: RunRecord): void {
    const row = this.#runs.get(run.id)
    if (row === undefined) return
    const columns = this.tables.runs.columns
    columns.settledAt[row] = this.#relative(run.settledAt)
    columns.total[row] = run.total
    columns.concurrency[row] = run.concurrency
    columns.state[row] = runStateNumber[run.state] ?? 0
    if (this.#options.live) this.#changedRuns.add(row)
    this.#runs.delete(run.id)
    if (this.#runs.size === 0) this.#sampler.edge()
    this.#lastRun = undefined
  }

  /** Whether tasks of this run are recorded. */
  #takes(run: RunRecord): boolean {
    if (run === this.#lastRun) return this.#lastTaken
    const known = this.#runs.has(run.id)
    const everything = this.#options.root === undefined
    // A run that was under way before the recorder came belongs to the program all the same.
    if (!known && everything && run.settledAt === 0) this.#addRun(run)
    this.#lastRun = run
    this.#lastTaken = known || everything
    return this.#lastTaken
  }

  #taskStarted(task: TaskRecord): void {
    if (this.#takes(task.run)) this.open.add(task)
  }

  /** @internal A task has settled. */
  taskSettled(task: TaskRecord): void {
    if (this.#takes(task.run)) this.#appendRow(task)
  }

  /** The trace says once what a row is, before its first task. */
  #nameRow(row: number): void {
    this.#lastNamed = row
    if (this.#named.has(row)) return
    this.#named.add(row)
    const { kind, machine, name } = rowRecord(row) ?? unnamedRow
    const line = this.tables.executors.append()
    const columns = this.tables.executors.columns
    columns.row[line] = row
    columns.kind[line] = this.strings.intern(kind)
    columns.machine[line] = this.strings.intern(machine)
    columns.name[line] = this.strings.intern(name)
  }

  /** @internal A task without needs, done at its first attempt, has settled. */
  plainTaskSettled(task: PlainTask): void {
    if (!this.#takes(task.run) || this.plain.add(task)) return
    this.#expandPlain()
    this.#writePlain(task, onThisThread)
  }

  batchSettled(batch: TaskBatch): void {
    const { run, firstId, firstIndex, startedAt, settledAt } = batch
    if (settledAt.length === 0 || !this.#takes(run)) return
    if (batch.row !== this.#lastNamed) this.#nameRow(batch.row)
    if (this.plain.addBatch(batch)) return
    this.#expandPlain()
    for (let i = 0; i < settledAt.length; i++) {
      const times = { startedAt: startedAt[i] as number, settledAt: settledAt[i] as number }
      this.#writePlain({ run, id: firstId + i, index: firstIndex + i, ...times }, batch)
    }
  }

  /** Plain tasks become rows: before any other row is written, for rows stand in order, and when somebody looks. */
  #expandPlain(): void {
    if (this.plain.count === 0) return
    if (this.#streamed && this.plain.count >= worthPacking) {
      const piece = this.#takePlain()
      if (piece.count >= worthPacking) this.#pieces.push({ ...piece, batches: piece.batches.map((bytes) => bytes.slice()) })
    }
    this.tables.tasks.reserve(this.tables.tasks.count + this.plain.count)
    this.plain.drain(this.#writePlain)
  }

  readonly #writePlain = ({ run, id, index, startedAt, settledAt }: PlainTask, common: Omit<InCommon, 'run' | 'shift'>): void => {
    appendPlainRow(this.tables, {
      id,
      needsEnd: this.tables.needs.count,
      run: run.id,
      parent: run.parentTask,
      index,
      row: common.row,
      queuedAt: common.queuedAt < 0 ? -1 : this.#relative(common.queuedAt),
      bytes: common.bytes,
      startedAt: this.#relative(startedAt),
      settledAt: this.#relative(settledAt),
    })
  }

  #appendRow(task: TaskRecord): void {
    this.#expandPlain()
    this.#writeTask(task, this.tables)
  }

  /** Appends a row; a task that has not settled gets the present as its end. */
  #writeTask(task: TaskRecord, tables: TraceTables): void {
    const needs = task.needs
    if (needs !== undefined) {
      for (const need of needs) {
        const at = tables.needs.append()
        tables.needs.columns.task[at] = need
      }
    }
    const row = tables.tasks.append()
    const columns = tables.tasks.columns
    columns.id[row] = task.id
    columns.run[row] = task.run.id
    columns.index[row] = task.index
    if (tables.needs.count > 0) columns.needsEnd[row] = tables.needs.count
    columns.queuedAt[row] = this.#relative(task.queuedAt)
    columns.readyAt[row] = this.#relative(task.readyAt)
    columns.startedAt[row] = this.#relative(task.startedAt)
    columns.settledAt[row] = task.settledAt === 0 ? this.now() : this.#relative(task.settledAt)
    columns.attempts[row] = task.attempts
    columns.state[row] = task.state === 'done' ? doneNumber : (taskStateNumber[task.state] ?? 0)
    if (task.parent !== 0) columns.parent[row] = task.parent
    if (task.name !== undefined) columns.name[row] = this.strings.intern(task.name, withoutSecrets)
    if (isElsewhere(task.row)) columns.row[row] = task.row
    if (task.row !== this.#lastNamed) this.#nameRow(task.row)
    if (task.limiterMs !== 0) columns.limiterMs[row] = task.limiterMs
    if (task.retryMs !== 0) columns.retryMs[row] = task.retryMs
    if (task.bytes !== 0) columns.bytes[row] = task.bytes
    if (task.error !== undefined || task.state === 'failed') columns.error[row] = this.strings.intern(this.#errors.of(task.error))
  }

  /** @internal Something worth a note has happened. */
  noted(note: Note): void {
    if (this.#options.root !== undefined && note.run !== 0 && !this.#runs.has(note.run)) return
    const row = this.tables.notes.append()
    const columns = this.tables.notes.columns
    columns.at[row] = this.#relative(note.at)
    columns.run[row] = note.run
    columns.kind[row] = this.strings.intern(note.kind)
    columns.text[row] = this.strings.intern(note.text, withoutSecrets)
    columns.data[row] = note.data ? this.strings.intern(JSON.stringify(note.data, cleanTexts)) : 0
  }

  /** 0 means that it never came; what came before the trace began counts as its beginning. */
  #relative(time: number): number {
    return time === 0 ? -1 : Math.max(0, time - this.origin)
  }
}
