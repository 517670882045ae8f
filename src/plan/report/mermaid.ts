/**
 * A plan as a Gantt chart of Mermaid, with the dates of its schedule. Comments say, in heddle's own form, what the chart cannot, so that reading it gives
 * the same project again; Mermaid skips them.
 */
import type { Task } from '../model/project.ts'
import type { Planned } from '../plan.ts'
import { ownSettings, ownTask } from './own.ts'

/** Charts of plans without dates begin on this day; nothing shows it. */
const noDate = Date.UTC(2000, 0, 3)

export function mermaid({ project, report, compiled, scheduled }: Planned): string {
  const number = new Map(compiled.tasks.map(({ id }, t) => [id, t]))
  const critical = new Set(report.chain.map(({ id }) => id))
  const startMs = project.startMs ?? noDate
  // What has no section stands above the first.
  const sections = [...new Set([undefined, ...project.tasks.map(({ section }) => section)])]
  const lines = [
    'gantt',
    `  title ${text(project.name)}`,
    '  dateFormat YYYY-MM-DDTHH:mm:ss',
    ...(project.startMs === undefined ? ['  axisFormat %j'] : []),
    `  %% heddle ${JSON.stringify(ownSettings(project))}`,
  ]
  for (const section of sections) {
    if (section !== undefined) lines.push(`  section ${text(section)}`)
    for (const task of project.tasks) if (task.section === section) lines.push(...rowsOf(task))
  }
  return `${lines.join('\n')}\n`

  function rowsOf(task: Task): string[] {
    const t = number.get(task.id) ?? 0
    const [start, end] = [scheduled.starts[t] ?? 0, scheduled.ends[t] ?? 0]
    const tags = [...(critical.has(task.id) ? ['crit'] : []), ...(task.durationMs === 0 ? ['milestone'] : [])]
    const date = new Date(startMs + start).toISOString().slice(0, 19)
    const takes = `${Math.round((end - start) / 1_000)}s`
    const own = { ...ownTask(task, project), at: `t${t}`, shown: takes }
    return [`  ${text(task.name)} :${[...tags, `t${t}`, date, takes].join(', ')}`, `  %% heddle ${JSON.stringify(own)}`]
  }
}

/** Colons and semicolons end a name, `#` begins an entity. */
function text(name: string): string {
  return (
    name
      .replaceAll(/[\r\n]+/g, ' ')
      .replaceAll(':', '：')
      .replaceAll(';', '；')
      .replaceAll('#', '＃')
      .trim() || '–'
  )
}
