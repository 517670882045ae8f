/** Puts the analyses of a trace together: what bounds the run, who was idle and why, and what to do about it. */
import { type Adapted, adaptedIn } from './adapted.ts'
import { type Advice, advise } from './advice/index.ts'
import { contention, type Work } from './contention.ts'
import { type CriticalPath, criticalPath } from './critical-path.ts'
import { type Failures, failuresOf } from './failures.ts'
import { type GroupStats, type Grouping, groupTable, groupTasks, taskLabel } from './groups.ts'
import { type RowUse, useOfExecutors } from './idle.ts'
import { type Idle, summariseIdle } from './idle-summary.ts'
import type { Trace } from '../model/trace.ts'
import { notesOf, startingMs } from './notes.ts'
import { relate, type Related } from './relate.ts'
import { selfTimes } from './self-time.ts'
import { spanMs } from './span.ts'
import { type SpeedupIs, speedupIs } from './speedup.ts'
import { verdictLines } from './verdict.ts'

/** What {@link explain} gives. */
export interface Explanation {
  /** What bounds the run, in three lines. */
  readonly verdict: readonly string[]
  /** From the beginning to the end of the recording; of a whole program, from its first run to the end of its last. */
  readonly wallMs: number
  /** Sum of measured task time, nothing counted twice. */
  readonly work: Work
  /** Work / wall time. */
  readonly speedup: number
  /** Whether that is what is true, the least that is, or says nothing. */
  readonly speedupIs: SpeedupIs
  /** The longest chain of work that had to be done one after the other. */
  readonly spanMs: number
  /** Work / span: how many executors the program could keep busy. */
  readonly parallelism: number
  readonly criticalPath: CriticalPath
  /** The path's work by group, in order of first appearance. */
  readonly bound: readonly { readonly group: number; readonly label: string; readonly ms: number; readonly tasks: number }[]
  readonly rows: readonly RowUse[]
  /** The most workers that were ever at work at once. */
  readonly workersAtOnce: number
  /** What the trace says of the machine. */
  readonly machine: { readonly cores: number; readonly processorTime: 'threads' | 'process' }
  readonly idle: Idle
  /** How long workers were starting and loading modules before the first of them had a task at work; 0 when they were there. */
  readonly startingMs: number
  readonly groups: readonly GroupStats[]
  readonly grouping: Grouping
  readonly failures: Failures
  /** What adaptive concurrency did. */
  readonly adapted: readonly Adapted[]
  /** What came from journals, in words: one line for each run with a checkpoint that was not new. */
  readonly restored: readonly string[]
  /** What is worth changing, the largest saving first. */
  readonly advice: readonly Advice[]
}

/**
 * Explains a `trace`: what bounded it, what was idle and why, the critical path, and advice. A million tasks take about a second. Never throws.
 *
 * @param wall explains only this stretch: from and to, in milliseconds since the trace began
 * @example
 * const { verdict, advice } = explain(trace)
 */
export function explain(trace: Trace, wall?: readonly [number, number]): Explanation {
  return explainRelated(relate(trace, wall))
}

export function explainRelated(related: Related, grouping: Grouping = groupTasks(related.trace)): Explanation {
  const { trace } = related
  const self = selfTimes(related)
  const work = contention(related, self)
  const span = spanMs(related, self.ms)
  const path = criticalPath(related)
  const { rows, workersAtOnce } = useOfExecutors(related, self)
  const idle = summariseIdle(rows, related.wallMs)
  const groups = groupTable(related, grouping, self.ms)
  const facts = {
    wallMs: related.wallMs,
    work,
    speedup: related.wallMs > 0 ? work.workMs / related.wallMs : 0,
    speedupIs: speedupIs(work, trace.meta.cores),
    spanMs: span,
    parallelism: span > 0 ? work.workMs / span : 0,
    criticalPath: path,
    bound: boundBy(path, grouping, trace),
    rows,
    workersAtOnce,
    machine: { cores: trace.meta.cores, processorTime: trace.meta.processorTime ?? 'process' },
    idle,
    groups,
    grouping,
    failures: failuresOf(trace, grouping),
    startingMs: startingMs(related),
    adapted: adaptedIn(trace),
    restored: restoredIn(trace),
  }
  const advice = advise({ ...facts, related, selfMs: self.ms })
  return { ...facts, advice, verdict: verdictLines(facts) }
}

function restoredIn(trace: Trace): string[] {
  return notesOf(trace, 'checkpoint')
    .filter(({ data }) => data.restored !== 0)
    .map(({ text }) => text)
}

/** A task with a name of its own stands for itself: of a large graph, the graph's name would say nothing. */
function boundBy(path: CriticalPath, grouping: Grouping, trace: Trace): Explanation['bound'] {
  const byGroup = new Map<string, { group: number; label: string; ms: number; tasks: Set<number> }>()
  for (const { kind, task, from, to } of path.segments) {
    if (kind !== 'work') continue
    const [group, name] = [grouping.of[task] as number, trace.tasks.name[task] as number]
    const key = `${group} ${name}`
    let entry = byGroup.get(key)
    if (!entry) {
      const label = name === 0 ? (grouping.labels[group] as string) : taskLabel(trace, grouping, task)
      byGroup.set(key, (entry = { group, label, ms: 0, tasks: new Set() }))
    }
    entry.ms += to - from
    entry.tasks.add(task)
  }
  return [...byGroup.values()].map(({ group, label, ms, tasks }) => ({ group, label, ms, tasks: tasks.size }))
}
