/** A trace explained in a terminal: the verdict, where the time went, the critical path, the groups, and all advice. */
import { formatMs } from '../../base/duration.ts'
import {
  type Comparison,
  type Explanation,
  type IdleCause,
  idleWords,
  printable,
  taskLabel,
  type Trace,
} from '../../trace/index.ts'
import type { Paint } from '../terminal/paint.ts'
import { tableLines } from '../terminal/wrap.ts'
import { findingLines } from './report-run.ts'
import { threadRow } from '../../trace/processor/rows.ts'

const rowsShown = 16
const groupsShown = 20
const stepsShown = 12
const indent = '  '

/** @param columns of the terminal that shows it */
export function explanationText(trace: Trace, explanation: Explanation, paint: Paint, columns = Infinity): string {
  const inside = columns - indent.length
  const { meta } = trace
  const { verdict, advice, spanMs, parallelism } = explanation
  const counted = `${many(trace.tasks.count, 'task')} in ${many(trace.runs.count, 'run')}, ${meta.runtime}, ${meta.cores} cores`
  return [
    `${paint.bold(meta.name)} ${paint.dim(`· ${date(meta.epochMs)} · ${counted}`)}`,
    ...(meta.complete ? [] : [paint.yellow('The program ended before its trace did: what follows is what had been written.')]),
    '',
    ...verdict.map((line, i) => (i === 0 ? paint.bold(line) : line)),
    paint.dim(
      `longest chain of work ${formatMs(spanMs)}: no number of workers makes it more than ${parallelism.toFixed(1)}× one`,
    ),
    ...section(
      'What to do',
      advice.length === 0 ? ['nothing stands out'] : advice.flatMap((one) => findingLines(paint, one)),
      paint,
    ),
    ...section('Where the time went', timeTable(explanation, inside), paint),
    ...section('Critical path', pathLines(trace, explanation, paint, inside), paint),
    ...section('Groups', [...groupTable(explanation, inside), ...timeLine(explanation, paint)], paint),
    ...failureSection(explanation, paint),
  ].join('\n')
}

const many = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? '' : 's'}`

function section(title: string, lines: readonly string[], { bold }: Paint): string[] {
  return lines.length === 0 ? [] : ['', bold(title), ...lines.map((line) => `${indent}${line}`)]
}

function timeTable({ rows, wallMs }: Explanation, inside: number): string[] {
  if (rows.length === 0) return []
  const share = (ms: number, slots: number): string => (ms > 0 ? `${((100 * ms) / (wallMs * slots)).toFixed(1)} %` : '')
  const causes = (Object.keys(idleWords) as IdleCause[]).filter((cause) =>
    rows.some(({ idleMs }) => idleMs[cause] > 0.001 * wallMs),
  )
  const shown = rows.slice(0, rowsShown)
  const table = [
    ['', 'tasks', 'running', ...causes.map((cause) => idleWords[cause])],
    ...shown.map(({ row, label, slots, tasks, runningMs, idleMs }) => [
      `${printable(label)}${row === threadRow && slots > 1 ? ` × ${slots}` : ''}`,
      String(tasks),
      share(runningMs, slots),
      ...causes.map((cause) => share(idleMs[cause], slots)),
    ]),
  ]
  return [...tableLines(table, inside), ...(rows.length > shown.length ? [`and ${rows.length - shown.length} more`] : [])]
}

/** The longest steps of the path, in order of time. */
function pathLines(trace: Trace, { criticalPath, grouping, wallMs }: Explanation, { dim }: Paint, inside: number): string[] {
  const { segments, ms } = criticalPath
  const steps = segments.filter(({ from, to }) => to > from)
  const longest = new Set(steps.toSorted((a, b) => b.to - b.from - (a.to - a.from)).slice(0, stepsShown))
  const lines = steps
    .filter((step) => longest.has(step))
    .map(({ kind, task, from, to }) => {
      const label = task < 0 ? 'the program' : taskLabel(trace, grouping, task)
      return [
        formatMs(from),
        formatMs(to - from),
        `${kind === 'work' || kind === 'outside' ? '' : `${stepWords[kind]} `}${label}`,
      ]
    })
  const sums = (Object.keys(ms) as (keyof typeof ms)[])
    .filter((kind) => ms[kind] > 0)
    .map((kind) => `${kind} ${formatMs(ms[kind])} (${((100 * ms[kind]) / wallMs).toFixed(0)} %)`)
  const more = steps.length > longest.size ? [dim(`and ${steps.length - longest.size} shorter steps`)] : []
  return [...tableLines([['at', 'for', ''], ...lines], inside), ...more, dim(sums.join(', '))]
}

const stepWords = { limiter: 'waiting on a limiter before', queue: 'waiting before', dispatch: 'handing out' } as const

function groupTable({ groups }: Explanation, inside: number): string[] {
  const shown = groups.slice(0, groupsShown)
  const table = [
    ['', 'tasks', 'failed', 'attempts', 'task time', 'median', 'p95', 'longest', 'mean wait'],
    ...shown.map(({ label, tasks, failed, attempts, workMs, medianMs, p95Ms, maxMs, waitMs }) => [
      label,
      String(tasks),
      failed > 0 ? String(failed) : '',
      attempts > tasks ? String(attempts) : '',
      formatMs(workMs),
      formatMs(medianMs),
      formatMs(p95Ms),
      formatMs(maxMs),
      formatMs((waitMs.dependency + waitMs.slot + waitMs.limiter + waitMs.retry) / Math.max(1, tasks)),
    ]),
  ]
  return [...tableLines(table, inside), ...(groups.length > shown.length ? [`and ${groups.length - shown.length} more`] : [])]
}

/** Why the sum of the column is not the work of the first line, where it is not. */
function timeLine({ groups, work }: Explanation, { dim }: Paint): string[] {
  const lost = [
    ...(work.waitedForThreadMs > 0.01 * work.measuredMs ? [`${formatMs(work.waitedForThreadMs)} waiting for a thread`] : []),
    ...(work.waitedForCoreMs > 0.01 * work.measuredMs ? [`${formatMs(work.waitedForCoreMs)} waiting for a core`] : []),
  ]
  if (groups.length === 0 || lost.length === 0) return []
  return [dim(`task time ${formatMs(work.measuredMs)} = ${formatMs(work.workMs)} of work + ${lost.join(' + ')}`)]
}

function failureSection({ failures }: Explanation, paint: Paint): string[] {
  if (failures.failed === 0 && failures.cancelled === 0) return []
  const lines = failures.kinds.slice(0, groupsShown).map(({ error, first, tasks }) => {
    const [message = ''] = error.message.split('\n')
    return `${first}${tasks > 1 ? ` and ${tasks - 1} more` : ''}: ${error.name}: ${message}${error.code === undefined ? '' : ` [${error.code}]`}`
  })
  return section(`Failures: ${failures.failed} failed, ${failures.cancelled} cancelled`, lines, paint)
}

/** @param columns of the terminal that shows it */
export function comparisonText(
  files: readonly string[],
  { runs, lines, advice }: Comparison,
  paint: Paint,
  columns = Infinity,
): string {
  const table = [
    ['', 'workers', 'tasks', 'wall', 'work', 'speedup', 'idle'],
    ...runs.map((run, i) => [
      files[i] ?? run.name,
      String(run.workers),
      String(run.tasks),
      formatMs(run.wallMs),
      formatMs(run.workMs),
      run.speedupIs === 'unknown' ? '–' : `${run.speedupIs === 'at-least' ? '≥ ' : ''}${run.speedup.toFixed(2)}×`,
      `${Math.round(100 * run.idleShare)} %`,
    ]),
  ]
  return [
    ...tableLines(table, columns),
    '',
    ...lines,
    ...(advice.length > 0 ? ['', ...advice.flatMap((one) => findingLines(paint, one))] : []),
  ].join('\n')
}

function date(epochMs: number): string {
  const at = new Date(epochMs)
  return Number.isNaN(at.getTime()) ? 'some day' : at.toISOString().slice(0, 19).replace('T', ' ')
}
