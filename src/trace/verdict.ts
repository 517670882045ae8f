import { formatMs } from '../base/duration.ts'
import type { Explanation } from './explain.ts'
import { idleWords } from './idle.ts'

type Findings = Omit<Explanation, 'verdict' | 'advice'>

/** Idle time below this share is not worth a reason. */
const idleWorthSaying = 0.05

/** Share of the measured time spent waiting for this thread from which on that is what is worth saying; chosen. */
const turnsShare = 0.2

/** What bounds the run, in three lines for people; more where concurrency was adapted to what the other side takes. */
export function verdictLines(facts: Findings): string[] {
  const { wallMs, work, speedup, groups } = facts
  if (groups.length === 0)
    return facts.restored.length > 0 ? [...facts.restored] : ['no tasks were recorded: nothing ran through heddle']
  return [
    `${formatMs(work.workMs)} → ${formatMs(wallMs)}, ${factor(speedup)} (sum of measured task time against wall time)`,
    `bound by ${boundWords(facts)}`,
    idleLine(facts),
    ...adaptedLines(facts),
    ...facts.restored.slice(0, restoredShown),
  ]
}

/** More are left out, those that changed least: the trace has all of them. */
const adaptedShown = 2

/** Runs with a checkpoint that are named; the trace has all of them. */
const restoredShown = 3

function adaptedLines({ adapted }: Findings): string[] {
  const most = adapted.toSorted((a, b) => b.overloads - a.overloads || b.changes - a.changes).slice(0, adaptedShown)
  return most.map(({ name, from, to, lowest, highest, overloads }) => {
    const between = lowest < Math.min(from, to) || highest > Math.max(from, to) ? `, between ${lowest} and ${highest}` : ''
    const because = overloads === 0 ? '' : `, lowered ${overloads} × after refused calls`
    return `concurrency of ${name}: ${from} → ${to}${between}${because}`
  })
}

export function percent(share: number): string {
  return `${Math.round(100 * share)} %`
}

/** `5.2×`, `12×`, `0.31×`. */
export function factor(value: number): string {
  return `${value >= 10 ? value.toFixed(0) : value >= 1 ? value.toFixed(1) : value.toFixed(2)}×`
}

/** The groups that make up most of the critical path, in order, at most three. */
function boundWords({ criticalPath, bound, wallMs }: Findings): string {
  const { ms } = criticalPath
  if (ms.limiter > ms.work)
    return `a limiter (${formatMs(ms.limiter)} of waiting, ${percent(ms.limiter / wallMs)} of the wall time)`
  if (ms.outside > ms.work)
    return `the program between runs (${formatMs(ms.outside)}, ${percent(ms.outside / wallMs)} of the wall time)`
  const top = bound.toSorted((a, b) => b.ms - a.ms).slice(0, 3)
  const named = bound.filter((part) => top.includes(part) && part.ms >= 0.05 * ms.work)
  const words = named
    .map(({ label, tasks }) => (tasks > 1 ? `${label} (${tasks.toLocaleString('en')} in a row)` : label))
    .join(' → ')
  return `${words} (${formatMs(ms.work)}, ${percent(ms.work / wallMs)} of the wall time)`
}

/** Tasks that compute on this thread take turns; that most of them stand idle meanwhile is no news. */
export function tookTurns({ idle, work }: Pick<Findings, 'idle' | 'work'>): boolean {
  return idle.of === 'slots' && idle.rows > 1 && work.waitedForThreadMs > turnsShare * work.measuredMs
}

function idleLine({ idle, work }: Findings): string {
  const who = idle.of === 'workers' ? (idle.rows === 1 ? 'the worker' : `${idle.rows} workers`) : `${idle.rows} at once`
  if (idle.of === 'slots' && idle.rows <= 1) return `one task at a time, this thread busy ${percent(work.threadBusy)}`
  if (tookTurns({ idle, work }))
    return `${idle.rows} at once took turns on this thread, which was busy ${percent(work.threadBusy)} of the time`
  if (idle.share < idleWorthSaying) return `${who} busy ${percent(1 - idle.share)} of the time`
  return `${who} idle ${percent(idle.share)}: ${idleWords[idle.main]}`
}
