/** A plan for the terminal: the three answers and their picture, what decides the end, a row for each task, and how busy everybody is. */
import { clipToWidth, displayWidth, padToWidth } from '../../base/display-width.ts'
import type { Assessment } from '../assess.ts'
import { lengths } from '../model/lengths.ts'
import type { Planned, PlanReport, TaskOutlook } from '../plan.ts'

/** More rows than this say less, not more; chosen to fit a terminal. */
const rowsMax = 40
const resourcesMax = 12
const [barMost, barLeast] = [40, 8]
const nameLeast = 12

/**
 * A plan as text for a terminal. Never throws.
 * @param columns of the terminal; `Infinity` for a file
 * @param assessment of `assess`, where it was asked for
 */
export function planText(planned: Planned, columns = Number.POSITIVE_INFINITY, assessment?: Assessment): string {
  const { report, project } = planned
  const length = lengths(project)
  const { sequential, ideal, scheduled, criticalPath, chain, tasks, resources } = report
  const count = `${tasks.length.toLocaleString('en')} ${tasks.length === 1 ? 'task' : 'tasks'}`
  const bar = barOf(Math.max(sequential, ideal, scheduled), Math.min(barMost, Math.max(barLeast, columns - 50)))
  const limited = resources.length > 0
  const lines = [
    `${report.name === '' ? 'plan' : `plan "${report.name}"`}: ${count}${resources.length > 0 ? `, ${resources.length} ${resources.length === 1 ? 'resource' : 'resources'}` : ''}`,
    `  one after the other      ${bar(sequential)}  ${length(sequential)}`,
    `  as dependencies allow    ${bar(ideal)}  ${length(ideal)}${faster(sequential, ideal)}`,
    limited
      ? `  with what there is       ${bar(scheduled)}  ${length(scheduled)}${faster(sequential, scheduled)}${dates(report)}`
      : `  nobody is named, so nothing but dependencies holds tasks up${dates(report)}`,
    limited ? `  ${boundText(report, length)}` : '',
    '',
    `critical path: ${listed(
      criticalPath.map(({ name }) => name),
      ' → ',
    )}`,
    ...(limited && scheduled > ideal
      ? [
          `what decides the end of the schedule: ${listed(
            chain.map(({ name }) => name),
            ' → ',
          )}`,
        ]
      : []),
    '',
    ...chart(tasks.slice(0, rowsMax), scheduled, length, columns),
    ...(tasks.length > rowsMax ? [`  … and ${tasks.length - rowsMax} more, with --json`] : []),
    ...(limited ? ['', ...busy(report, length)] : []),
    ...late(report, length),
    ...(assessment ? ['', ...risks(assessment, report, length), '', ...remedies(assessment, length)] : []),
    ...project.notes.map((note) => `note: ${note}`),
  ]
  return lines.filter((line, i) => line !== '' || lines[i - 1] !== '').join('\n')
}

function faster(sequential: number, other: number): string {
  return other > 0 && sequential > other ? `, ${(sequential / other).toFixed(2)} times as fast` : ''
}

function dates({ startDate, endDate }: PlanReport): string {
  if (startDate === undefined || endDate === undefined) return ''
  return `, ${day(startDate)} to ${day(endDate)}`
}

export function day(date: string): string {
  return date.endsWith('T00:00:00.000Z') ? date.slice(0, 10) : date.slice(0, 16).replace('T', ' ')
}

function boundText({ scheduled, lowerBound, gap, schedules }: PlanReport, length: (value: number) => string): string {
  if (gap === 0) return `no schedule with them ends earlier`
  return `none ends before ${length(lowerBound)}; the best of ${schedules.toLocaleString('en')} schedules is at most ${(100 * (scheduled / lowerBound - 1)).toFixed(1)} % longer`
}

export function listed(names: readonly string[], joint: string): string {
  if (names.length <= 12) return names.join(joint)
  return [...names.slice(0, 6), `… ${names.length - 12} more …`, ...names.slice(-6)].join(joint)
}

function barOf(most: number, width: number): (value: number) => string {
  return (value) => {
    const filled = most === 0 ? 0 : Math.max(value > 0 ? 1 : 0, Math.round((value / most) * width))
    return `${'█'.repeat(filled)}${'·'.repeat(width - filled)}`
  }
}

function chart(tasks: readonly TaskOutlook[], end: number, length: (value: number) => string, columns: number): string[] {
  const tails = tasks.map(({ duration, critical, float, resource }) => {
    const verdict = critical ? 'critical' : `float ${length(float)}`
    return `${length(duration)}, ${verdict}${resource === null ? '' : `  ${resource}`}`
  })
  const tailWidth = Math.min(48, Math.max(0, ...tails.map((text) => displayWidth(text))))
  const longest = Math.max(0, ...tasks.map(({ name }) => displayWidth(name)))
  const left = columns - tailWidth - 6
  const barWidth = Math.max(barLeast, Math.min(barMost, left - longest))
  const nameWidth = Math.min(longest, 40, Math.max(nameLeast, left - barWidth))
  const column = (value: number): number => (end === 0 ? 0 : Math.round((value / end) * barWidth))
  return tasks.map((task, i) => {
    const from = Math.min(column(task.start), barWidth - 1)
    const to = Math.max(column(task.end), from + 1)
    const bar = `${'·'.repeat(from)}${(task.critical ? '█' : '▒').repeat(to - from)}${'·'.repeat(barWidth - to)}`
    return `  ${padToWidth(clipToWidth(task.name, nameWidth), nameWidth)}  ${bar}  ${tails[i] ?? ''}`
  })
}

function busy({ resources }: PlanReport, length: (value: number) => string): string[] {
  const busiest = resources.toSorted((a, b) => b.utilization - a.utilization).slice(0, resourcesMax)
  const width = Math.max(...busiest.map(({ name }) => displayWidth(name)))
  const rows = busiest.map(
    ({ name, capacity, utilization, float, busy }) =>
      `  ${padToWidth(name, width)}  busy ${Math.round(100 * utilization)} %${capacity > 1 ? ` of ${capacity}` : ''}, ${length(busy)}; may be ${length(float)} late`,
  )
  return [
    'people and machines, the busiest first',
    ...rows,
    ...(resources.length > resourcesMax ? [`  … and ${resources.length - resourcesMax} more`] : []),
  ]
}

function late({ tasks }: PlanReport, length: (value: number) => string): string[] {
  const missed = tasks.filter(({ late }) => (late ?? 0) > 0)
  if (missed.length === 0) return []
  return ['', ...missed.slice(0, rowsMax).map(({ name, late }) => `late: ${name} ends ${length(late ?? 0)} after it is due`)]
}

/** How many of the tasks that endanger the end are named. */
const riskyMax = 5

function risks({ risk }: Assessment, { scheduled }: PlanReport, length: (value: number) => string): string[] {
  const { p50, p80, p95, onTime, runs, estimated, tasks } = risk
  const guessed =
    estimated === 0
      ? 'no task has an estimate, so each was drawn between 10 % less and 50 % more than planned'
      : `${estimated} of ${tasks.length} tasks have an estimate`
  const risky = tasks.filter(({ criticality, delay100 }) => criticality > 0 && (delay100 ?? 0) > 0).slice(0, riskyMax)
  const width = Math.max(0, ...risky.map(({ name }) => Math.min(40, displayWidth(name))))
  return [
    `delays: half of ${runs.toLocaleString('en')} runs end by ${length(p50)}, 80 % by ${length(p80)}, 95 % by ${length(p95)}; ${Math.round(100 * onTime)} % by ${length(scheduled)} (${guessed})`,
    ...risky.map(
      ({ name, criticality, absorbs, delay25, delay50, delay100 }) =>
        `  ${padToWidth(clipToWidth(name, width), width)}  decides the end in ${Math.round(100 * criticality)} %; absorbs ${length(absorbs)}; 25, 50, 100 % longer: ${[delay25, delay50, delay100].map((delay) => `+${length(delay ?? 0)}`).join(', ')}`,
    ),
  ]
}

function remedies({ mitigation }: Assessment, length: (value: number) => string): string[] {
  if (mitigation.length === 0) return ['no single change that was tried makes it end earlier']
  return [
    'what would make it end earlier, the most for its cost first',
    ...mitigation.flatMap(({ message, remedy, saves, end, question, where }) => [
      `  −${length(saves)}, to ${length(end)}: ${remedy}`,
      `    ${message} (${where}). ${question ?? ''}`,
    ]),
  ]
}
