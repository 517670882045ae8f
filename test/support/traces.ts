/** Traces made by hand: what happened when, without running anything. */
import { taskStates, runStates, makeTrace, newTables, type Trace, type TraceMeta } from '../../src/trace/model/trace.ts'
import { Strings } from '../../src/trace/model/strings.ts'

export interface TaskSpec {
  /** @default its place in the list, from 1 up */
  readonly id?: number
  /** @default 1 */
  readonly run?: number
  readonly parent?: number
  readonly index?: number
  readonly name?: string
  readonly needs?: readonly number[]
  readonly row?: number
  /** @default readyAt */
  readonly queuedAt?: number
  /** @default startedAt */
  readonly readyAt?: number
  readonly startedAt: number
  readonly settledAt: number
  readonly attempts?: number
  readonly limiterMs?: number
  readonly retryMs?: number
  readonly bytes?: number
  readonly state?: (typeof taskStates)[number]
  readonly error?: { readonly name: string; readonly message: string; readonly code?: string; readonly stack?: string }
}

export interface RunSpec {
  readonly id: number
  readonly kind: string
  readonly name?: string
  readonly parentTask?: number
  readonly startedAt?: number
  readonly settledAt?: number
  readonly total?: number
  readonly concurrency?: number
  readonly state?: (typeof runStates)[number]
}

export interface TraceSpec {
  readonly tasks: readonly TaskSpec[]
  /** @default one graph with id 1 over everything */
  readonly runs?: readonly RunSpec[]
  readonly notes?: readonly { at: number; run?: number; kind: string; text?: string; data?: Record<string, number | string> }[]
  readonly samples?: readonly { at: number; busy: number; cores?: number; delayMs?: number }[]
  readonly processors?: readonly { at: number; row: number; cpuMs: number; waitMs?: number; busyMs?: number; alive?: number }[]
  readonly executors?: readonly { row: number; kind?: string; machine?: string; name?: string }[]
  readonly meta?: Partial<TraceMeta>
}

export function makeTraceOf(spec: TraceSpec): Trace {
  const tables = newTables()
  const strings = new Strings()
  for (const { row, kind = 'thread', machine = '', name = '' } of spec.executors ?? []) {
    const at = tables.executors.append()
    const columns = tables.executors.columns
    columns.row[at] = row
    columns.kind[at] = strings.intern(kind)
    columns.machine[at] = strings.intern(machine)
    columns.name[at] = strings.intern(name)
  }
  const end = spec.meta?.durationMs ?? spec.tasks.reduce((last, { settledAt }) => Math.max(last, settledAt), 0)
  const tasks = spec.tasks.map((task, i) => ({ ...task, id: task.id ?? i + 1, index: task.index ?? i }))
  for (const task of tasks.sort((a, b) => a.settledAt - b.settledAt)) {
    for (const need of task.needs ?? []) {
      const at = tables.needs.append()
      tables.needs.columns.task[at] = need
    }
    const row = tables.tasks.append()
    const c = tables.tasks.columns
    const readyAt = task.readyAt ?? task.startedAt
    c.id[row] = task.id
    c.run[row] = task.run ?? 1
    c.parent[row] = task.parent ?? 0
    c.index[row] = task.index
    c.name[row] = strings.intern(task.name)
    c.needsEnd[row] = tables.needs.count
    c.row[row] = task.row ?? 0
    c.queuedAt[row] = task.queuedAt ?? readyAt
    c.readyAt[row] = readyAt
    c.startedAt[row] = task.startedAt
    c.settledAt[row] = task.settledAt
    c.attempts[row] = task.attempts ?? 1
    c.limiterMs[row] = task.limiterMs ?? 0
    c.retryMs[row] = task.retryMs ?? 0
    c.bytes[row] = task.bytes ?? 0
    c.state[row] = taskStates.indexOf(task.state ?? 'done')
    c.error[row] = task.error ? strings.intern(JSON.stringify(task.error)) : 0
  }
  for (const run of spec.runs ?? [{ id: 1, kind: 'graph', name: 'g' }]) {
    const row = tables.runs.append()
    const c = tables.runs.columns
    c.id[row] = run.id
    c.kind[row] = strings.intern(run.kind)
    c.name[row] = strings.intern(run.name)
    c.parentTask[row] = run.parentTask ?? 0
    c.startedAt[row] = run.startedAt ?? 0
    c.settledAt[row] = run.settledAt ?? end
    c.total[row] = run.total ?? -1
    c.concurrency[row] = run.concurrency ?? -1
    c.state[row] = runStates.indexOf(run.state ?? 'done')
  }
  for (const note of spec.notes ?? []) {
    const row = tables.notes.append()
    const c = tables.notes.columns
    c.at[row] = note.at
    c.run[row] = note.run ?? 0
    c.kind[row] = strings.intern(note.kind)
    c.text[row] = strings.intern(note.text)
    c.data[row] = note.data ? strings.intern(JSON.stringify(note.data)) : 0
  }
  for (const line of spec.processors ?? []) {
    const row = tables.processors.append()
    const c = tables.processors.columns
    c.at[row] = line.at
    c.row[row] = line.row
    c.cpuMs[row] = line.cpuMs
    c.waitMs[row] = line.waitMs ?? 0
    c.busyMs[row] = line.busyMs ?? 0
    c.alive[row] = line.alive ?? 0
  }
  for (const sample of spec.samples ?? []) {
    const row = tables.samples.append()
    const c = tables.samples.columns
    c.at[row] = sample.at
    c.busy[row] = sample.busy
    c.cores[row] = sample.cores ?? 0
    c.delayMs[row] = sample.delayMs ?? 0
  }
  const meta: TraceMeta = {
    name: 'made by hand',
    epochMs: 1_700_000_000_000,
    durationMs: end,
    window: 'all',
    cores: 8,
    runtime: 'node',
    complete: true,
    ...spec.meta,
  }
  return makeTrace(meta, strings.list, tables)
}

/** Row of the task with that id. */
export function rowOf(trace: Trace, id: number): number {
  return trace.tasks.id.indexOf(id)
}
