/** A plan as a table, with its schedule: what `readPlan` reads is the same project again, because it ignores the columns of the schedule. */
import { csvCell } from '../formats/csv-table.ts'
import type { Task } from '../model/project.ts'
import type { Planned } from '../plan.ts'
import { lengthOf, ownLink, ownSettings } from './own.ts'

const columns = [
  'id',
  'name',
  'duration',
  'min',
  'likely',
  'max',
  'needs',
  'resources',
  'skills',
  'earliest',
  'due',
  'calendar',
  'section',
  'start',
  'end',
  'slack',
  'critical',
] as const

export function csv({ project, report }: Planned): string {
  const length = lengthOf(project)
  const outlooks = new Map(report.tasks.map((task) => [task.id, task]))
  const rows = project.tasks.map((task) => {
    const outlook = outlooks.get(task.id)
    const { estimate } = task
    const cells: Readonly<Record<(typeof columns)[number], string | number | undefined>> = {
      id: task.id,
      name: task.name,
      duration: length(task.durationMs),
      min: estimate && length(estimate.minMs),
      likely: estimate && length(estimate.likelyMs),
      max: estimate && length(estimate.maxMs),
      needs: needsText(task, length),
      resources: takesText(
        task.demands.flatMap((demand) => ('resource' in demand ? [[demand.resource, demand.units] as const] : [])),
        'resource',
      ),
      skills: takesText(
        task.demands.flatMap((demand) => ('skill' in demand ? [[demand.skill, demand.units] as const] : [])),
        'skill',
      ),
      earliest: task.earliestMs === undefined ? undefined : length(task.earliestMs),
      due: task.dueMs === undefined ? undefined : length(task.dueMs),
      calendar: task.calendar,
      section: task.section,
      start: outlook?.startDate ?? outlook?.start,
      end: outlook?.endDate ?? outlook?.end,
      slack: outlook?.slack,
      critical: outlook?.critical ? 'yes' : 'no',
    }
    return columns.map((column) => csvCell(String(cells[column] ?? ''))).join(',')
  })
  return [`#heddle,${csvCell(JSON.stringify(ownSettings(project)))}`, columns.join(','), ...rows, ''].join('\n')
}

/** Short where that can be read again: an identity with separators in it stands in a list of JSON. */
function needsText({ links }: Task, length: (ms: number) => number | string): string {
  const short = links.every(({ task, implied }) => !implied && /^[\p{L}\p{N}_.]+$/u.test(task))
  if (!short) return JSON.stringify(links.map((link) => ownLink(link, length)))
  return links
    .map(({ task, type, lagMs }) => {
      const lag = lagMs === 0 ? '' : `${lagMs < 0 ? '-' : '+'}${length(Math.abs(lagMs))}`
      return type === 'FS' && lag === '' ? task : `${task} ${type}${lag}`
    })
    .join('; ')
}

function takesText(taken: readonly (readonly [name: string, units: number])[], kind: 'resource' | 'skill'): string {
  if (taken.every(([name]) => /^[\p{L}\p{N}_. -]+$/u.test(name)))
    return taken.map(([name, units]) => (units === 1 ? name : `${name}×${units}`)).join('; ')
  return JSON.stringify(taken.map(([name, units]) => ({ [kind]: name, units })))
}
