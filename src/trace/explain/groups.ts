/** Tasks that belong together in tables and colours: those of one mapped function, of one graph, of one named branch. */
import { bucketsOf } from './buckets.ts'
import type { Trace } from '../model/trace.ts'
import { taskStates } from '../model/trace.ts'
import { isWorkerRow } from '../processor/rows.ts'
import type { Related } from './relate.ts'

/** Names make groups of their own, as those of a graph's tasks, or in `all({ entities, sentiment })` per document; of more than this, tables would say little. */
const namesMax = 256

/** Tasks in groups, as a person would see them: the same function in the same run. */
export interface Grouping {
  /** Group by task. */
  readonly of: Int32Array
  /** What a person would call them. */
  readonly labels: readonly string[]
  /** Kind of the runs of each: `map`, `graph` …, or nothing when its tasks belong to no run that is known. */
  readonly kinds: readonly string[]
  /** A key that distinguishes each from all others, also in another state of the same trace. */
  readonly keys: readonly string[]
}

/** Runs of the same function are a family: one label, one kind. */
interface Families {
  readonly labels: readonly string[]
  readonly kinds: readonly string[]
  /** By task. */
  readonly of: Int32Array
}

/** Puts the tasks of a `trace` into groups: by run, and by the name of the task. Never throws. */
export function groupTasks(trace: Trace): Grouping {
  const families = familiesOf(trace)
  return splitByName(trace, families, namedFamilies(trace, families))
}

function familiesOf(trace: Trace): Families {
  const { tasks, runs, strings } = trace
  const numbers = new Map<string, number>()
  const labels: string[] = []
  const kinds: string[] = []
  const family = (label: string, kind: string): number => {
    const known = numbers.get(label)
    if (known !== undefined) return known
    numbers.set(label, labels.length)
    kinds.push(kind)
    return labels.push(label) - 1
  }
  const ofRun = new Map<number, number>()
  for (let run = 0; run < runs.count; run++)
    ofRun.set(runs.id[run] as number, family(runLabel(trace, run), printable(strings[runs.kind[run] as number])))
  const ofNoRun = family('tasks', '')
  const of = new Int32Array(tasks.count)
  // Tasks of one run come in a row: what was looked up last is mostly asked again.
  let [lastRun, current] = [-1, ofNoRun]
  for (let task = 0; task < tasks.count; task++) {
    const run = tasks.run[task] as number
    if (run !== lastRun) current = ofRun.get(run) ?? ofNoRun
    lastRun = run
    of[task] = current
  }
  return { labels, kinds, of }
}

/** By family: whether the names of its tasks make groups, which they do while they are few. */
function namedFamilies({ tasks }: Trace, { labels, of }: Families): boolean[] {
  const names = labels.map(() => new Set<number>())
  let [lastFamily, lastName] = [-1, -1]
  for (let task = 0; task < tasks.count; task++) {
    const family = of[task] as number
    const name = tasks.name[task] as number
    if (family === lastFamily && name === lastName) continue
    const known = names[family] as Set<number>
    if (known.size <= namesMax) known.add(name)
    lastFamily = family
    lastName = name
  }
  return names.map(({ size }) => size <= namesMax)
}

function splitByName({ tasks, strings }: Trace, { labels, kinds, of: familyOf }: Families, named: readonly boolean[]): Grouping {
  const grouping = { of: new Int32Array(tasks.count), labels: [] as string[], kinds: [] as string[], keys: [] as string[] }
  const numbers = new Map<string, number>()
  const groupFor = (family: number, name: string): number => {
    const label = labels[family] as string
    const key = `${label}\n${name}`
    let group = numbers.get(key)
    if (group === undefined) {
      group = grouping.labels.push(name === '' ? label : name) - 1
      grouping.kinds.push(kinds[family] as string)
      grouping.keys.push(key)
      numbers.set(key, group)
    }
    return group
  }
  // A million tasks have a handful of names: each is cleaned and looked up once.
  const known = labels.map(() => new Map<number, number>())
  let [lastFamily, lastName, group] = [-1, -1, 0]
  for (let task = 0; task < tasks.count; task++) {
    const family = familyOf[task] as number
    const name = named[family] ? (tasks.name[task] as number) : 0
    if (family !== lastFamily || name !== lastName) {
      const found = known[family]?.get(name)
      group = found ?? groupFor(family, printable(strings[name]))
      if (found === undefined) known[family]?.set(name, group)
      lastFamily = family
      lastName = name
    }
    grouping.of[task] = group
  }
  return grouping
}

/** `map "fetchPage"`, `graph "ship"`, or only the kind when it has no name. `run` is a row of the table of runs. Never throws. */
export function runLabel({ runs, strings }: Trace, run: number): string {
  const kind = printable(strings[runs.kind[run] as number])
  const name = printable(strings[runs.name[run] as number])
  return name === '' ? kind : `${kind} "${name}"`
}

const labelMax = 120
const control = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu

/** A name (`text`) as people may see it: on one line, without what could drive a terminal or turn text around; names may come from a stranger's file. Never throws. */
export function printable(text: string | undefined): string {
  const clean = (text ?? '').replace(control, ' ').trim()
  return clean.length <= labelMax ? clean : `${clean.slice(0, labelMax - 1)}…`
}

/** What a person would call one `task`: its own name, or its place in its group. Never throws. */
export function taskLabel(trace: Trace, grouping: Grouping, task: number): string {
  const name = printable(trace.strings[trace.tasks.name[task] as number])
  return name === '' ? `${grouping.labels[grouping.of[task] as number]}[${trace.tasks.index[task]}]` : name
}

/** Figures of one group of tasks. */
export interface GroupStats {
  /** Its number in the grouping. */
  readonly number: number
  readonly label: string
  readonly tasks: number
  readonly done: number
  readonly failed: number
  readonly cancelled: number
  /** Tasks that had not settled when the trace ended. */
  readonly unfinished: number
  readonly attempts: number
  /** Sum of self times. */
  readonly workMs: number
  /** Of the time from start to end. */
  readonly medianMs: number
  readonly p95Ms: number
  readonly maxMs: number
  /** Sums over its tasks, by what they waited for. */
  readonly waitMs: { readonly dependency: number; readonly slot: number; readonly limiter: number; readonly retry: number }
  /** How many of them ran on workers. */
  readonly onWorkers: number
}

/** One line per group, most work first. */
export function groupTable(related: Related, grouping: Grouping, selfMs: Float64Array): GroupStats[] {
  const byGroup = bucketsOf(grouping.of, grouping.labels.length, related.order)
  const table = grouping.labels.map((label, group) =>
    stats(group, label, related, selfMs, byGroup.items.subarray(byGroup.start[group], byGroup.start[group + 1])),
  )
  return table.sort((a, b) => b.workMs - a.workMs)
}

function stats(number: number, label: string, related: Related, selfMs: Float64Array, rows: Uint32Array): GroupStats {
  const { trace, queued, ready, started, settled } = related
  const { tasks } = trace
  const states = new Float64Array(taskStates.length)
  const waitMs = { dependency: 0, slot: 0, limiter: 0, retry: 0 }
  const durations = new Float64Array(rows.length)
  let [attempts, workMs, onWorkers] = [0, 0, 0]
  for (let i = 0; i < rows.length; i++) {
    const task = rows[i] as number
    const limiterMs = tasks.limiterMs[task] as number
    const wait = (started[task] as number) - (ready[task] as number)
    durations[i] = (settled[task] as number) - (started[task] as number)
    waitMs.dependency += (ready[task] as number) - (queued[task] as number)
    waitMs.slot += Math.max(0, wait - limiterMs)
    waitMs.limiter += limiterMs
    waitMs.retry += tasks.retryMs[task] as number
    attempts += tasks.attempts[task] as number
    workMs += selfMs[task] as number
    if (isWorkerRow(tasks.row[task] as number)) onWorkers++
    ;(states[tasks.state[task] as number] as number)++
  }
  durations.sort()
  const [queuedCount, running, done, failed, cancelled] = states as unknown as [number, number, number, number, number]
  return {
    number,
    label,
    tasks: rows.length,
    done,
    failed,
    cancelled,
    unfinished: queuedCount + running,
    attempts,
    workMs,
    medianMs: quantile(durations, 0.5),
    p95Ms: quantile(durations, 0.95),
    maxMs: quantile(durations, 1),
    waitMs,
    onWorkers,
  }
}

/** Of ascending values; 0 when there are none. */
export function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0
}
