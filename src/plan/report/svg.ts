/** A plan as a picture: the three answers as bars, then a Gantt chart with dependencies, critical tasks, float, and who does what. */
import { displayWidth } from '../../base/display-width.ts'
import { lengths } from '../model/lengths.ts'
import type { Planned, TaskOutlook } from '../plan.ts'
import { escaped } from './mspdi.ts'
import { day } from './text.ts'

/** Pixels. */
const [rowHeight, barHeight, chartWidth, padding, headHeight] = [24, 14, 760, 16, 132]
const [letter, labelMost] = [6.6, 260]
/** More rows are a wall, not a picture. */
const rowsMax = 500

/** Colours that also differ in lightness, for eyes without red or green. */
const colors = {
  critical: '#c2410c',
  other: '#60a5fa',
  float: '#dbeafe',
  text: '#1f2937',
  quiet: '#6b7280',
  line: '#e5e7eb',
  link: '#9ca3af',
  ground: '#ffffff',
}

export function svg(planned: Planned): string {
  const { report, compiled, scheduled } = planned
  const length = lengths(planned.project)
  const tasks = report.tasks.slice(0, rowsMax)
  const labels = Math.min(labelMost, Math.max(150, ...tasks.map(({ name }) => displayWidth(name) * letter + 8)))
  const left = padding + labels
  const whole = Math.max(report.scheduled, 1e-9)
  const x = (value: number): number => round(left + (value / whole) * chartWidth)
  const row = new Map(tasks.map(({ id }, i) => [id, headHeight + i * rowHeight]))
  const who = Math.min(160, Math.max(0, ...tasks.map(({ resource }) => displayWidth(resource ?? '') * letter + 12)))
  const [width, height] = [
    left + chartWidth + who + padding,
    headHeight + tasks.length * rowHeight + padding + (report.tasks.length > rowsMax ? rowHeight : 0),
  ]
  const outlooks = new Map(report.tasks.map((task) => [task.id, task]))
  const chain = new Map(report.chain.map(({ id }, i) => [id, report.chain[i - 1]?.id]))
  const parts = [
    text(padding, 22, report.name || 'Plan', `font-size="15" font-weight="600"`),
    ...answers(),
    ...ticks(),
    ...tasks.flatMap(links),
    ...tasks.flatMap(bar),
    ...(report.tasks.length > rowsMax
      ? [text(padding, height - padding, `… and ${report.tasks.length - rowsMax} more`, `fill="${colors.quiet}"`)]
      : []),
  ]
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${round(width)}" height="${height}" viewBox="0 0 ${round(width)} ${height}" font-family="system-ui, sans-serif" font-size="12" fill="${colors.text}" role="img" aria-label="${escaped(`Gantt chart of ${report.name || 'a plan'}`)}">
<rect width="100%" height="100%" fill="${colors.ground}"/>
<defs><marker id="arrow" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 6 3 0 6z" fill="${colors.link}"/></marker><marker id="critical" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="6" markerHeight="6" orient="auto"><path d="M0 0 6 3 0 6z" fill="${colors.critical}"/></marker></defs>
${parts.join('\n')}
</svg>
`

  function answers(): string[] {
    const { sequential, ideal, scheduled } = report
    const most = Math.max(sequential, ideal, scheduled, 1e-9)
    const rows = [
      ['one after the other', sequential, colors.link],
      ['as dependencies allow', ideal, colors.other],
      ...(report.resources.length > 0 ? [['with what there is', scheduled, colors.critical] as const] : []),
    ] as const
    return rows.flatMap(([name, value, color], i) => {
      const y = 36 + i * 20
      const wide = round((value / most) * (chartWidth - 120))
      return [
        text(padding, y + 11, name, `fill="${colors.quiet}"`),
        `<rect x="${left}" y="${y}" width="${Math.max(1, wide)}" height="13" rx="2" fill="${color}"/>`,
        text(left + wide + 6, y + 11, length(value), ''),
      ]
    })
  }

  function ticks(): string[] {
    const count = 8
    return Array.from({ length: count + 1 }, (_, i) => {
      const at = (whole * i) / count
      const label = tick(at)
      const anchor = i === count ? 'end' : 'middle'
      return `<line x1="${x(at)}" x2="${x(at)}" y1="${headHeight - 12}" y2="${height - padding}" stroke="${colors.line}"/>${i % 2 === 0 ? text(x(at), headHeight - 16, label, `fill="${colors.quiet}" font-size="10" text-anchor="${i === 0 ? 'start' : anchor}"`) : ''}`
    })
  }

  /** The moment as a date where there are dates: that at which the working time up to it is over. */
  function tick(at: number): string {
    if (planned.project.startMs === undefined) return length(at)
    const { calendar } = compiled
    const share = (at / whole) * (calendar ? calendar.worked(scheduled.end) : scheduled.end)
    const ms = calendar ? calendar.add(calendar.next(0), share) : share
    return day(new Date(planned.project.startMs + Math.round(ms / 60_000) * 60_000).toISOString())
  }

  function links(task: TaskOutlook): string[] {
    const needs = compiled.tasks.find(({ id }) => id === task.id)?.links ?? []
    return needs.flatMap((link) => {
      const need = outlooks.get(link.task)
      const [from, to] = [row.get(link.task), row.get(task.id)]
      if (!need || from === undefined || to === undefined) return []
      const begin = link.type === 'SS' || link.type === 'SF' ? need.start : need.end
      const end = link.type === 'FS' || link.type === 'SS' ? task.start : task.end
      const critical = chain.get(task.id) === link.task
      const [x1, x2, y1] = [x(begin), x(end), from + rowHeight / 2]
      const down = to > from
      const y2 = down ? to + (rowHeight - barHeight) / 2 : to + (rowHeight + barHeight) / 2
      const turn = round(Math.max(x1 + 5, x2 + (link.type === 'FS' || link.type === 'SS' ? 3 : -3)))
      return [
        `<path d="M${x1} ${y1}H${turn}V${y2}" fill="none" stroke="${critical ? colors.critical : colors.link}" stroke-width="${critical ? 1.5 : 1}" marker-end="url(#${critical ? 'critical' : 'arrow'})"/>`,
      ]
    })
  }

  function bar(task: TaskOutlook): string[] {
    const y = (row.get(task.id) ?? 0) + (rowHeight - barHeight) / 2
    const [from, to] = [x(task.start), x(task.end)]
    const color = task.critical ? colors.critical : colors.other
    const middle = y + barHeight / 2
    const float =
      task.float > 0 && task.duration > 0
        ? [
            `<rect x="${to}" y="${y + 4}" width="${round(Math.min(x(Math.min(whole, task.end + task.float)), left + chartWidth) - to)}" height="${barHeight - 8}" fill="${colors.float}"/>`,
          ]
        : []
    const shape =
      task.duration === 0
        ? `<path d="M${from} ${y}l7 7-7 7-7-7z" fill="${color}"/>`
        : `<rect x="${from}" y="${y}" width="${Math.max(1, round(to - from))}" height="${barHeight}" rx="2" fill="${color}"/>`
    const when = `${task.name}: ${length(task.start)} to ${length(task.end)}${task.critical ? ', decides the end' : `, float ${length(task.float)}`}`
    return [
      `<g><title>${escaped(when)}</title>`,
      text(padding, middle + 4, clipped(task.name, labels), ''),
      ...float,
      shape,
      ...(task.resource === null
        ? []
        : [text(left + chartWidth + 10, middle + 4, clipped(task.resource, 150), `fill="${colors.quiet}"`)]),
      '</g>',
    ]
  }
}

function text(x: number, y: number, value: string, attributes: string): string {
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped(value)}</text>`
}

function clipped(name: string, width: number): string {
  const letters = Math.floor(width / letter) - 1
  return name.length <= letters ? name : `${name.slice(0, letters - 1)}…`
}

function round(value: number): number {
  return Math.round(value * 10) / 10
}
