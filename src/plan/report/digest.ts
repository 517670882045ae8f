/** One message for each person: what starts when, what it waits for, whom it blocks. In Markdown, to be sent. */
import { lengths } from '../model/lengths.ts'
import type { Planned, TaskOutlook } from '../plan.ts'
import { day } from './text.ts'

/** What one person or machine has to know of the plan. */
export interface Digest {
  /** Identity and name of the person or machine. */
  readonly id: string
  readonly name: string
  readonly text: string
}

/** Digests in the order of the plan's resources; those without a task get none. Never throws. */
export function digests(planned: Planned): Digest[] {
  const { project, compiled, scheduled, report } = planned
  const length = lengths(planned.project)
  const outlooks = new Map(report.tasks.map((task) => [task.id, task]))
  const holders = compiled.tasks.map((_, t) => (scheduled.taken[t] ?? []).map(([r]) => r))
  const waiting = new Map<string, string[]>()
  for (const task of compiled.tasks)
    for (const link of task.links) waiting.set(link.task, [...(waiting.get(link.task) ?? []), task.id])
  const number = new Map(compiled.tasks.map(({ id }, t) => [id, t]))
  const namesOf = (id: string): string =>
    (holders[number.get(id) ?? -1] ?? []).map((r) => project.resources[r]?.name ?? '').join(', ')
  const moment = (date: string | undefined, value: number): string => (date === undefined ? length(value) : day(date))
  const named = (id: string): string =>
    `${plain(outlooks.get(id)?.name ?? id)}${namesOf(id) === '' ? '' : ` (${plain(namesOf(id))})`}`
  return project.resources.flatMap(({ id, name }, r): Digest[] => {
    const own = report.tasks.filter((task) => holders[number.get(task.id) ?? -1]?.includes(r))
    if (own.length === 0) return []
    const rows = own.flatMap((task: TaskOutlook) => {
      const needs = compiled.tasks[number.get(task.id) ?? -1]?.links.map((link) => named(link.task)) ?? []
      const blocked = (waiting.get(task.id) ?? []).map(named)
      const late = task.critical || task.float === 0 ? 'a delay here delays the end' : `may be ${length(task.float)} late`
      return [
        `- **${plain(task.name)}**: from ${moment(task.startDate, task.start)} to ${moment(task.endDate, task.end)}, ${length(task.duration)}; ${late}`,
        ...(needs.length > 0 ? [`  - after ${needs.join(', ')}`] : []),
        ...(blocked.length > 0 ? [`  - ${blocked.join(', ')} ${blocked.length === 1 ? 'waits' : 'wait'} for it`] : []),
      ]
    })
    const next = own[0]
    const head = `${plain(name)}: ${own.length} ${own.length === 1 ? 'task' : 'tasks'} in ${plain(report.name || 'the plan')}${next ? `, the first from ${moment(next.startDate, next.start)}` : ''}`
    return [{ id, name, text: [`## ${head}`, '', ...rows, ''].join('\n') }]
  })
}

export function digestText(planned: Planned): string {
  const all = digests(planned)
  return all.length === 0 ? 'Nobody is named in this plan.\n' : all.map(({ text }) => text).join('\n')
}

/** Names come from files of others: no markup, link or mention may come of them. */
function plain(name: string): string {
  return name
    .replaceAll(/[\r\n]+/g, ' ')
    .replaceAll(/[&<>@]/g, (letter) => `&#${letter.charCodeAt(0)};`)
    .replaceAll(/[[\]!*_~\\`]/g, '\\$&')
}
