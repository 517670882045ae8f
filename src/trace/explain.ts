/** Puts the analyses of a trace together: what bounds the run, who was idle and why, and what to do about it. */
import { contention, type Work } from './contention.ts'
import { type CriticalPath, criticalPath } from './critical-path.ts'
import { type GroupStats, type Grouping, groupTable, groupTasks } from './groups.ts'
import { type IdleCause, type IdleMs, idleCauses, noIdle, type RowUse, rowUse } from './idle.ts'
import type { Trace } from './model.ts'
import { relate } from './relate.ts'
import { selfTimes } from './self-time.ts'
import { spanMs } from './span.ts'
import { verdictLines } from './verdict.ts'

export interface Explanation {
  /** What bounds the run, in three lines. */
  readonly verdict: readonly string[]
  /** From the beginning to the end of the recording; of a whole program, from its first run to the end of its last. */
  readonly wallMs: number
  /** Sum of measured task time, nothing counted twice. */
  readonly work: Work
  /** Work / wall time. */
  readonly speedup: number
  /** The longest chain of work that had to be done one after the other. */
  readonly spanMs: number
  /** Work / span: how many executors the program could keep busy. */
  readonly parallelism: number
  readonly criticalPath: CriticalPath
  /** The path's work by group, in order of first appearance. */
  readonly bound: readonly { readonly label: string; readonly ms: number; readonly tasks: number }[]
  readonly rows: readonly RowUse[]
  readonly idle: Idle
  readonly groups: readonly GroupStats[]
  readonly grouping: Grouping
}

/** Idle time of the rows that matter: of the workers where they did a fair part of the work, else of this thread's slots. */
export interface Idle {
  readonly of: 'workers' | 'slots'
  /** Number of workers or slots. */
  readonly rows: number
  /** Idle time / (wall time × rows). */
  readonly share: number
  readonly ms: Readonly<IdleMs>
  /** The cause with the most time. */
  readonly main: IdleCause
}

/** Explains a trace. A million tasks take about a second. */
export function explain(trace: Trace): Explanation {
  const related = relate(trace)
  const self = selfTimes(related)
  const work = contention(related, self)
  const span = spanMs(related, self.ms)
  const path = criticalPath(related)
  const grouping = groupTasks(trace)
  const rows = rowUse(related, self)
  const facts = {
    wallMs: related.wallMs,
    work,
    speedup: related.wallMs > 0 ? work.workMs / related.wallMs : 0,
    spanMs: span,
    parallelism: span > 0 ? work.workMs / span : 0,
    criticalPath: path,
    bound: boundBy(path, grouping),
    rows,
    idle: idleOf(rows, related.wallMs),
    groups: groupTable(related, grouping, self.ms),
    grouping,
  }
  return { ...facts, verdict: verdictLines(facts) }
}

function boundBy(path: CriticalPath, grouping: Grouping): Explanation['bound'] {
  const byGroup = new Map<number, { label: string; ms: number; tasks: Set<number> }>()
  for (const { kind, task, from, to } of path.segments) {
    if (kind !== 'work') continue
    const group = grouping.of[task] as number
    let entry = byGroup.get(group)
    if (!entry) byGroup.set(group, (entry = { label: grouping.labels[group] as string, ms: 0, tasks: new Set() }))
    entry.ms += to - from
    entry.tasks.add(task)
  }
  return [...byGroup.values()].map(({ label, ms, tasks }) => ({ label, ms, tasks: tasks.size }))
}

/** Workers matter from this share of the running time on; chosen. */
const workersMatter = 0.1

function idleOf(rows: readonly RowUse[], wallMs: number): Idle {
  const workers = rows.filter(({ row }) => row > 0)
  const running = (some: readonly RowUse[]): number => some.reduce((sum, { runningMs }) => sum + runningMs, 0)
  const matter = workers.length > 0 && running(workers) >= workersMatter * running(rows)
  const counted = matter ? workers : rows.filter(({ row }) => row === 0)
  const ms = noIdle()
  let [slots, total] = [0, 0]
  for (const row of counted) {
    slots += row.slots
    for (const cause of idleCauses) {
      ms[cause] += row.idleMs[cause]
      total += row.idleMs[cause]
    }
  }
  const main = idleCauses.reduce((best, cause) => (ms[cause] > ms[best] ? cause : best))
  return { of: matter ? 'workers' : 'slots', rows: slots, share: slots * wallMs > 0 ? total / (slots * wallMs) : 0, ms, main }
}
