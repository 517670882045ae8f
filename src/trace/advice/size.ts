/** Pitfalls of size: tasks that are too small, too few, too unequal, or carry too much. */
import { counted } from '../../base/counted.ts'
import { formatMs } from '../../base/duration.ts'
import { bucketsOf } from '../explain/buckets.ts'
import type { GroupStats } from '../explain/groups.ts'
import { copyingIn, threadMs } from '../explain/copying.ts'
import { notesOf } from '../explain/notes.ts'
import { factor } from '../explain/speedup.ts'
import { percent } from '../explain/words.ts'
import { type Fault, codeName, type Facts, noiseMs, workerRows } from './advice.ts'
import { isWorkerRow } from '../processor/rows.ts'

/** A task should take at least this many times what it costs to hand it out (facts of the field: Spark, joblib and Ray say the same with other numbers). */
const timesDispatch = 10
/** What a recorded task costs on this thread, measured with `npm run bench -- recording`: map's own work and that of recording. */
const threadDispatchMs = 0.0003
const manyTasks = 1_000

/** The median task is not worth handing out. */
export function smallTasks(facts: Facts): Fault[] {
  return facts.groups.flatMap((group) => {
    if (group.tasks < manyTasks) return []
    const onWorkers = group.onWorkers > group.tasks / 2
    const dispatchMs = onWorkers ? workerDispatchMs(facts, group.number) : threadDispatchMs
    if (dispatchMs === 0 || group.medianMs >= timesDispatch * dispatchMs) return []
    // On one thread, tasks that overlap measure each other too; their share of the time is what one costs.
    if (!onWorkers && ownMs(facts, group) / group.tasks >= timesDispatch * dispatchMs) return []
    const rows = onWorkers ? Math.max(1, workerRows(facts).length) : 1
    return {
      rule: 'small-tasks',
      where: group.label,
      message: `the tasks of ${group.label} are too small`,
      proof: [
        `${counted(group.tasks, 'task')} with a median of ${micro(group.medianMs)}; handing one out costs about ${micro(dispatchMs)}`,
      ],
      savingMs: (group.tasks * dispatchMs * 0.9) / rows,
      remedy: inFewerTasks(group, chunkSize(group.medianMs, dispatchMs), onWorkers, dispatchMs),
    }
  })
}

/** Mean time between the end of a task on a worker and the start of the next that was already there. */
function workerDispatchMs({ related, grouping }: Facts, group: number): number {
  const { order, started, ready, settled, trace } = related
  const lastEnd = new Map<number, number>()
  let [gaps, count] = [0, 0]
  for (const task of order) {
    const row = trace.tasks.row[task] as number
    if (!isWorkerRow(row)) continue
    const before = lastEnd.get(row)
    lastEnd.set(row, settled[task] as number)
    if (before === undefined || grouping.of[task] !== group) continue
    if ((ready[task] as number) > before) continue
    gaps += Math.max(0, (started[task] as number) - before)
    count++
  }
  return count === 0 ? 0 : gaps / count
}

/** Time of this thread that fell to a group: its busy time, shared by work. */
function ownMs({ work, groups }: Facts, group: GroupStats): number {
  const onThread = groups.filter(({ tasks, onWorkers }) => onWorkers < tasks)
  const all = onThread.reduce((sum, { workMs }) => sum + workMs, 0)
  return all > 0 ? (work.threadComputeMs * group.workMs) / all : 0
}

function inFewerTasks({ label, p95Ms }: GroupStats, size: number, onWorkers: boolean, dispatchMs: number): string {
  const name = codeName(label)
  if (onWorkers)
    return `let one call do many items: export const { many } = workers(import.meta.url, { many: (chunk) => chunk.map(${name}) }), then stream(items).batch({ size: ${size} }).flatMap(many).toArray()`
  if (p95Ms >= timesDispatch * dispatchMs)
    return `give each task many items: stream(items).batch({ size: ${size} }).flatMap((chunk) => Promise.all(chunk.map(${name}))).toArray()`
  return `nothing of it waits, so run it in a loop: for (const item of items) results.push(await ${name}(item))`
}

function chunkSize(medianMs: number, dispatchMs: number): number {
  const needed = (timesDispatch * dispatchMs) / Math.max(medianMs, dispatchMs / 10)
  return 10 ** Math.ceil(Math.log10(Math.max(10, needed)))
}

function micro(ms: number): string {
  return ms < 0.1 ? `${(ms * 1_000).toFixed(ms < 0.001 ? 2 : 1)} µs` : formatMs(ms)
}

/** Starting the workers cost more than they did. */
export function notWorthThreads(facts: Facts): Fault[] {
  const workers = workerRows(facts)
  if (workers.length === 0) return []
  const workMs = workers.reduce((sum, { runningMs }) => sum + runningMs, 0)
  // While this thread copies, they wait for it: that is a fault of its own.
  const copiedMs = copyingIn(facts.related.trace).reduce((sum, copied) => sum + threadMs(copied), 0)
  // Where other programs have the cores, a worker is idle because this thread does not get to run either.
  const handingOut = noiseMs(facts) > 0 ? 0 : 1
  const costMs = Math.max(
    0,
    ...workers.map(({ idleMs }) => idleMs.startup + handingOut * Math.max(0, idleMs.dispatch - copiedMs)),
  )
  if (workMs >= costMs) return []
  const label = facts.groups.find(({ onWorkers }) => onWorkers > 0)?.label ?? 'the worker functions'
  return [
    {
      rule: 'not-worth-threads',
      where: label,
      message: `${label} is not worth threads`,
      proof: [
        `${formatMs(workMs)} of work on ${counted(workers.length, 'worker')}, which took ${formatMs(costMs)} to start and to reach${inlineWords(facts)}`,
      ],
      savingMs: Math.max(0, costMs - workMs),
      remedy: `call the plain function, or let a map run it on this thread: workers(import.meta.url, { ${codeName(label)} }, { inline: true })`,
    },
  ]
}

function inlineWords({ related }: Facts): string {
  const items = notesOf(related.trace, 'inline').reduce(
    (sum, { data }) => sum + (typeof data.items === 'number' ? data.items : 0),
    0,
  )
  return items > 0 ? `; ${counted(items, 'item')} ${items === 1 ? 'was' : 'were'} finished on this thread for that reason` : ''
}

/** Too few tasks to keep all workers busy to the end. */
export function tooFewTasks(facts: Facts): Fault[] {
  const workers = workerRows(facts)
  if (workers.length < 2) return []
  const tailMs = workers.reduce((sum, { idleMs }) => sum + idleMs.tail, 0)
  return facts.groups.flatMap((group) => {
    if (group.onWorkers === 0 || group.onWorkers < group.tasks / 2 || group.tasks >= 2 * workers.length) return []
    if (group.workMs < 0.5 * facts.work.measuredMs) return []
    return {
      rule: 'too-few-tasks',
      where: group.label,
      message: `${group.label} has too few tasks for ${counted(workers.length, 'worker')}`,
      proof: [
        `${counted(group.tasks, 'task')}, fewer than two per worker; workers were idle for ${formatMs(tailMs)} with nothing left to start`,
      ],
      savingMs: tailMs / workers.length,
      remedy: `split the input into at least ${4 * workers.length} pieces, and map over those`,
    }
  })
}

/** Spark's threshold for a task that is out of line. */
const timesMedian = 5
/** After nine tenths of the group have ended, a smaller one is enough. */
const timesMedianLate = 3

/** A few tasks take far longer than the rest, and the run waits for them. */
export function stragglers(facts: Facts): Fault[] {
  const { related, groups, grouping, criticalPath, idle, wallMs } = facts
  const byGroup = bucketsOf(grouping.of, grouping.labels.length, related.order)
  const onPath = new Set(criticalPath.segments.filter(({ kind }) => kind === 'work').map(({ task }) => task))
  return groups.flatMap((group) => {
    const { number } = group
    if (group.tasks < 10 || group.medianMs <= 0) return []
    const remedy = remedyOf(facts, group)
    if (!remedy) return []
    // A thread that computes all the time is not done sooner in another order.
    if (group.onWorkers < group.tasks / 2 && facts.work.threadBusy > 0.5) return []
    const rows = byGroup.items.subarray(byGroup.start[number], byGroup.start[number + 1])
    const late = related.settled[rows[Math.floor(rows.length * 0.9)] as number] as number
    const noise = noiseMs(facts)
    const found = [...rows].filter((task) => {
      const ms = (related.settled[task] as number) - (related.started[task] as number)
      if (ms - group.medianMs <= noise) return false
      return (
        ms > timesMedian * group.medianMs || (ms > timesMedianLate * group.medianMs && (related.settled[task] as number) > late)
      )
    })
    const excessMs = found
      .filter((task) => onPath.has(task))
      .reduce((sum, task) => sum + (facts.selfMs[task] as number) - group.medianMs, 0)
    // Starting it earlier or splitting it can win only what others could have done meanwhile.
    const savingMs = Math.min(excessMs, idle.rows > 0 ? idle.share * wallMs : 0)
    if (found.length === 0 || found.length > group.tasks / 5) return []
    const began = rows.reduce((first, task) => Math.min(first, related.started[task] as number), Number.POSITIVE_INFINITY)
    const startedFirst = found.every((task) => (related.started[task] as number) - began <= group.medianMs / 2)
    return {
      rule: 'stragglers',
      where: group.label,
      message: `${found.length === 1 ? 'one task' : `${found.length} tasks`} of ${group.label} held up the run`,
      proof: [
        `the longest took ${formatMs(group.maxMs)}, ${factor(group.maxMs / group.medianMs)} the median of ${formatMs(group.medianMs)}`,
      ],
      savingMs,
      remedy: startedFirst
        ? `split the long ones into pieces that can run at once: they began with the first, so another order does not help`
        : remedy,
    }
  })
}

/**
 * Fault about a task that takes long; undefined where nothing can be done. The author of a map over items on workers can know which of them
 * are large. Which call over a network will take long nobody knows, and single calls are made when they are needed, so there is not an order to change.
 */
function remedyOf({ related, grouping }: Facts, { number, label, tasks, onWorkers }: GroupStats): string | undefined {
  const name = codeName(label)
  if (!orderedKinds.has(grouping.kinds[number] as string)) return undefined
  if (onWorkers < tasks / 2) return `where another try may be quicker: const ${name}Hedged = hedge(${name}, { after: 'p95' })`
  const known = related.trace.runs.total.some((total) => total > 0)
  return grouping.kinds[number] === 'map' && known
    ? `start the long ones first: map(items.toSorted((a, b) => size(b) - size(a)), ${name}), or split them`
    : `split the long ones into pieces`
}

/** Kinds of runs that take their tasks from a list. */
const orderedKinds: ReadonlySet<string> = new Set(['map', 'mapReduce', 'stream'])

/** Copying to another thread moves about this much; measured with structuredClone of buffers and text. */
const bytesPerMs = 1_000_000

/** What crosses to the workers takes a good part of the time that it saves. */
export function bigMessages(facts: Facts): Fault[] {
  const { related, grouping, groups } = facts
  const bytes = new Float64Array(grouping.labels.length)
  for (let task = 0; task < related.count; task++) {
    ;(bytes[grouping.of[task] as number] as number) += related.trace.tasks.bytes[task] as number
  }
  return groups.flatMap((group) => {
    const sum = bytes[group.number] as number
    const crossingMs = sum / bytesPerMs
    if (crossingMs < 0.3 * group.workMs || crossingMs === 0) return []
    return {
      rule: 'big-messages',
      where: group.label,
      message: `${group.label} carries more than it computes`,
      proof: [
        `${megabytes(sum / group.tasks)} per task, for ${formatMs(group.workMs / group.tasks)} of work: copying takes about ${percent(crossingMs / group.workMs)} of that again`,
      ],
      savingMs: crossingMs / Math.max(1, workerRows(facts).length),
      remedy: `move buffers instead of copying them: ${codeName(group.label)}(transfer(buffer)), or send a path or a range and read it in the worker`,
    }
  })
}

function megabytes(bytes: number): string {
  return bytes < 1e5 ? `${(bytes / 1e3).toFixed(1)} KB` : `${(bytes / 1e6).toFixed(1)} MB`
}
