/** The analyses of `trace/explain/explain.ts` in the words and numbers of the page. */
import { type IdleCause, idleWords } from '../../trace/explain/idle.ts'
import { callsAtOnce } from '../../trace/explain/speedup.ts'
import { tookTurns } from '../../trace/explain/words.ts'
import type { ExplanationView, PathQuery, PathSegment, PathView, UseRow } from '../protocol.ts'
import type { Timeline } from './timeline.ts'
import type { View } from './view.ts'

export function explanationOf(view: View, version: number): ExplanationView {
  const { verdict, wallMs, work, spanMs, speedup, speedupIs, parallelism, criticalPath, bound, rows, idle, advice } =
    view.explanation
  const turns = tookTurns(view.explanation)
  return {
    version,
    range: view.wall,
    verdict,
    wallMs,
    workMs: work.workMs,
    computedMs: work.computedMs,
    spanMs,
    speedup,
    speedupIs,
    atOnce: callsAtOnce(work, wallMs),
    parallelism,
    pathMs: criticalPath.ms,
    bound: bound.map((part) => ({ ...part, group: view.numberOf(part.group) })),
    rows: rows.map((row): UseRow => {
      const causes = (Object.keys(idleWords) as IdleCause[]).filter((cause) => row.idleMs[cause] > 0)
      return {
        executor: row.row,
        label: row.label,
        slots: row.slots,
        tasks: row.tasks,
        runningMs: row.runningMs,
        idle: causes.map((cause) => ({ cause, words: idleWords[cause], ms: row.idleMs[cause] })),
      }
    }),
    idle: {
      of: idle.of,
      rows: idle.rows,
      share: turns ? Math.max(0, 1 - work.threadBusy) : idle.share,
      tookTurns: turns,
      main: idleWords[idle.main],
    },
    advice,
  }
}

const segmentsShown = 500

/** @param timeline that of everything: lanes are the same whatever the range */
export function pathOf(view: View, whole: View, timeline: Timeline, query: PathQuery, version: number): PathView {
  const { segments, ms } = view.explanation.criticalPath
  const limit = query.limit ?? segmentsShown
  let shown = segments
  if (segments.length > limit) {
    const longest = new Set(segments.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, limit))
    shown = segments.filter((segment) => longest.has(segment))
  }
  return {
    version,
    range: view.wall,
    segments: shown.map(({ kind, task, from, to }): PathSegment => {
      if (task < 0) return { kind, from, to }
      const ref = view.ref(task)
      const lane = timeline.lines[timeline.lineOf[whole.rowOf(ref.id)] ?? -1]?.key
      return { kind, from, to, task: ref, ...(lane !== undefined && { lane }) }
    }),
    total: segments.length,
    ms,
  }
}
