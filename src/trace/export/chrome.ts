/**
 * Chrome's trace event format, which Perfetto and chrome://tracing open ("Trace Event Format", Google; checked against
 * `json_trace_parser_impl.cc` of Perfetto).
 *
 * Each worker is a thread, and so is each slot of the thread that owns the runs, with complete events (`X`) that nest. Promises beyond the
 * slots that a person can look at, and the time in which tasks waited, are asynchronous events (`b`, `e`) with an id of their own. An arrow (`s`, `f`) leads from
 * each need to the task that needed it. Times are microseconds from the beginning of the trace.
 */
import { groupTasks, runLabel, taskLabel } from '../explain/groups.ts'
import { layLanes } from './lanes.ts'
import { listInPieces } from './pieces.ts'
import { type Trace, taskError, taskStates } from '../model/trace.ts'
import { orderBy } from '../explain/order.ts'
import { needsStart, relate, type Related } from '../explain/relate.ts'
import { isWorkerRow, RowNames } from '../processor/rows.ts'

const pid = 1
/** Threads for this many tasks at once on the owning thread; the rest is asynchronous events. */
const slotsMax = 64
/** Thread numbers: the slots of the owning thread from 1 up, workers from here. */
const firstWorker = 1_000
/** Waits shorter than this are not worth an event. */
const waitMinMs = 0.01

type Event = Readonly<Record<string, unknown>>

/** The document in pieces. */
export function chromeTrace(trace: Trace): Generator<string> {
  return listInPieces('{"displayTimeUnit":"ms","traceEvents":[\n', events(trace), ']}')
}

function* events(trace: Trace): Generator<Event> {
  const related = relate(trace)
  const grouping = groupTasks(trace)
  const threads = threadOf(related)
  yield* names(trace, threads)
  for (const task of orderBy(related.started)) {
    const label = taskLabel(trace, grouping, task)
    yield* waitEvents(related, task, label)
    if (trace.tasks.startedAt[task] === -1) continue
    const base = { name: label, cat: grouping.labels[grouping.of[task] as number], pid, args: details(related, task) }
    const [from, to] = [micros(related.started[task] as number), micros(related.settled[task] as number)]
    const tid = threads[task] as number
    if (tid > 0) yield { ph: 'X', ...base, tid, ts: from, dur: to - from }
    else yield* asynchronous(base, `task-${trace.tasks.id[task]}`, from, to)
  }
  yield* arrows(related, threads)
  yield* counters(trace)
}

/** By task: its worker; its slot on the owning thread; or 0 when there are too many slots. */
function threadOf({ trace: { tasks }, started, settled, count }: Related): Int32Array {
  const threads = new Int32Array(count)
  const rows = new Map<number, number[]>()
  for (let task = 0; task < count; task++) {
    const row = tasks.row[task] as number
    const list = rows.get(row)
    if (list) list.push(task)
    else rows.set(row, [task])
  }
  // Asynchronous worker functions overlap on their worker; such a worker gets more than one line.
  let next = firstWorker
  for (const [row, list] of [...rows].sort(([a], [b]) => a - b)) {
    const lanes = layLanes(
      Float64Array.from(list, (task) => started[task] as number),
      Float64Array.from(list, (task) => settled[task] as number),
    )
    for (const [i, task] of list.entries()) {
      const lane = lanes.of[i] as number
      threads[task] = isWorkerRow(row) ? next + lane : lane < slotsMax ? lane + 1 : 0
    }
    if (isWorkerRow(row)) next += lanes.count
  }
  return threads
}

function* names(trace: Trace, threads: Int32Array): Generator<Event> {
  yield { ph: 'M', name: 'process_name', pid, tid: 0, args: { name: `heddle ${trace.meta.name}` } }
  const known = new Set<number>()
  const rows = new RowNames(trace)
  for (const [task, tid] of threads.entries()) {
    if (tid === 0 || known.has(tid)) continue
    known.add(tid)
    const row = trace.tasks.row[task] as number
    const name = isWorkerRow(row) ? rows.label(row) : `${rows.label(row)}, slot ${tid}`
    yield { ph: 'M', name: 'thread_name', pid, tid, args: { name } }
    yield { ph: 'M', name: 'thread_sort_index', pid, tid, args: { sort_index: tid } }
  }
}

function details({ trace, run: runOf }: Related, task: number): Event {
  const { tasks } = trace
  const run = runOf[task] as number
  const error = taskError(trace, task)
  return {
    ...(run >= 0 && { run: runLabel(trace, run) }),
    index: tasks.index[task],
    state: taskStates[tasks.state[task] as number],
    ...((tasks.attempts[task] as number) > 1 && { attempts: tasks.attempts[task] }),
    ...(error && { error: `${error.name}: ${error.message}` }),
  }
}

function* waitEvents({ queued, ready, started, trace }: Related, task: number, label: string): Generator<Event> {
  const [from, needed, start] = [queued[task] as number, ready[task] as number, started[task] as number]
  const free = Math.max(needed, start - (trace.tasks.limiterMs[task] as number))
  const waits = [
    ['waits for dependencies', from, needed],
    ['waits for a slot', needed, free],
    ['waits for a limiter', free, start],
  ] as const
  for (const [i, [why, begin, end]] of waits.entries()) {
    if (end - begin < waitMinMs) continue
    const base = { name: why, cat: 'wait', pid, args: { task: label } }
    yield* asynchronous(base, `wait-${trace.tasks.id[task]}-${i}`, micros(begin), micros(end))
  }
}

function* asynchronous(base: Event, id: string, from: number, to: number): Generator<Event> {
  yield { ph: 'b', ...base, tid: 1, id, ts: from }
  yield { ph: 'e', ...base, tid: 1, id, ts: to, args: undefined }
}

/** An arrow begins inside the bar of the need and ends at the beginning of the other; both must be bars of a thread. */
function* arrows(related: Related, threads: Int32Array): Generator<Event> {
  const { trace, needs, started, settled, count } = related
  let id = 0
  for (let task = 0; task < count; task++) {
    for (let i = needsStart(related, task); i < (trace.tasks.needsEnd[task] as number); i++) {
      const need = needs[i] as number
      if (need < 0 || threads[need] === 0 || threads[task] === 0) continue
      if ((settled[need] as number) > (started[task] as number)) continue
      const base = { name: 'needs', cat: 'needs', id: ++id, pid }
      yield {
        ph: 's',
        ...base,
        tid: threads[need],
        ts: Math.max(micros(started[need] as number), micros(settled[need] as number) - nanosecond),
      }
      yield { ph: 'f', bp: 'e', ...base, tid: threads[task], ts: micros(started[task] as number) }
    }
  }
}

function* counters({ samples }: Trace): Generator<Event> {
  for (let i = 0; i < samples.count; i++) {
    const ts = micros(samples.at[i] as number)
    yield { ph: 'C', name: 'event loop', pid, tid: 0, ts, args: { 'busy %': Math.round(100 * (samples.busy[i] as number)) } }
    yield { ph: 'C', name: 'cores', pid, tid: 0, ts, args: { 'in use': round(samples.cores[i] as number) } }
  }
}

const nanosecond = 0.001
const round = (value: number): number => Math.round(value * 100) / 100
/** To the nanosecond. */
const micros = (ms: number): number => Math.round(ms * 1e6) / 1e3
