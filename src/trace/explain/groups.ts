/** Tasks that belong together in tables and colours: those of one mapped function, of one graph, of one named branch. */
import { bucketsOf } from './buckets.ts'
import type { Trace } from '../model/trace.ts'
import { taskStates } from '../model/trace.ts'
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

/** Puts the tasks of a `trace` into groups: by run, and by the name of the task. Never throws. */
export function groupTasks(trace: Trace): Grouping {
  const { tasks, runs, strings } = trace
  const rowOfRun = new Map<number, number>()
  for (let run = 0; run < runs.count; run++) rowOfRun.set(runs.id[run] as number, run)
  const families = new Map<string, number>()
  const labels: string[] = []
  const familyKinds: string[] = []
  const familyOfRun = new Int32Array(runs.count + 1)
  const family = (label: string, kind: string): number => {
    const known = families.get(label)
    if (known !== undefined) return known
    families.set(label, labels.length)
    familyKinds.push(kind)
    return labels.push(label) - 1
  }
  for (let run = 0; run < runs.count; run++)
    familyOfRun[run] = family(runLabel(trace, run), printable(strings[runs.kind[run] as number]))
  familyOfRun[runs.count] = family('tasks', '')
  const familyOf = new Int32Array(tasks.count)
  const names = labels.map(() => new Set<number>())
  // Tasks of one run, and of one name, come in rows: what was looked up last is mostly asked again.
  let [lastRun, lastName, current] = [-1, -1, 0]
  for (let task = 0; task < tasks.count; task++) {
    const run = tasks.run[task] as number
    const name = tasks.name[task] as number
    if (run !== lastRun) current = familyOfRun[rowOfRun.get(run) ?? runs.count] as number
    if (run !== lastRun || name !== lastName) {
      const known = names[current] as Set<number>
      if (known.size <= namesMax) known.add(name)
    }
    familyOf[task] = current
    lastRun = run
    lastName = name
  }
  const split = new Map<string, number>()
  const [found, kinds, keys]: [string[], string[], string[]] = [[], [], []]
  const groupFor = (family: number, name: string): number => {
    const key = `${labels[family]}\n${name}`
    let group = split.get(key)
    if (group === undefined) {
      group = found.push(name === '' ? (labels[family] as string) : name) - 1
      kinds.push(familyKinds[family] as string)
      keys.push(key)
      split.set(key, group)
    }
    return group
  }
  // A million tasks have a handful of names: each is cleaned and looked up once.
  const few = names.map(({ size }) => size <= namesMax)
  const known = labels.map(() => new Map<number, number>())
  const of = new Int32Array(tasks.count)
  let [lastFamily, group] = [-1, 0]
  lastName = -1
  for (let task = 0; task < tasks.count; task++) {
    const number = familyOf[task] as number
    const name = few[number] ? (tasks.name[task] as number) : 0
    if (number !== lastFamily || name !== lastName) {
      const found = known[number]?.get(name)
      group = found ?? groupFor(number, printable(strings[name]))
      if (found === undefined) known[number]?.set(name, group)
      lastFamily = number
      lastName = name
    }
    of[task] = group
  }
  return { of, labels: found, kinds, keys }
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
    if ((tasks.row[task] as number) > 0) onWorkers++
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
