/** Puts the analyses of a trace together: what bounds the run, who was idle and why, and what to do about it. */
import { adaptedIn } from '../explain/adapted.ts'
import { advise } from '../advice/index.ts'
import { contention } from '../explain/contention.ts'
import { copyingIn } from '../explain/copying.ts'
import { type CriticalPath, criticalPath } from '../explain/critical-path.ts'
import { failuresOf } from '../explain/failures.ts'
import { type Grouping, groupTable, groupTasks, taskLabel } from '../explain/groups.ts'
import { useOfExecutors } from '../explain/idle.ts'
import { summariseIdle } from '../explain/idle-summary.ts'
import type { Trace } from '../model/trace.ts'
import { notesOf, startingMs } from '../explain/notes.ts'
import { relate, type Related } from '../explain/relate.ts'
import { selfTimes } from '../explain/self-time.ts'
import { spanMs } from '../explain/span.ts'
import { speedupIs } from '../explain/speedup.ts'
import type { Explanation } from './explanation.ts'
import { verdictLines } from './verdict.ts'

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
    copying: copyingIn(trace),
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
