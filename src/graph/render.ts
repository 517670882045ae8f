/** Plans for people: text for a terminal, Mermaid for documents. */
import { clipToWidth, displayWidth, padToWidth } from '../base/display-width.ts'
import { formatMs } from '../base/duration.ts'
import type { Plan, PlannedTask } from './plan.ts'

/** More rows than this say less, not more; chosen to fit a terminal. */
const rowsMax = 40
const [barMost, barLeast] = [32, 8]
/** Names are not cut below this. */
const nameLeast = 12

/**
 * ```
 * graph "ship": 4 tasks, work 9.00 s, span 7.00 s, parallelism 1.29
 * on 2 slots: 7.00 s, 1.29 times faster than one after the other, slots idle 36 %
 * no schedule is shorter than 7.00 s; this one is the shortest possible
 * critical path: schema → api → ship
 *
 *   schema  ███░░░  2.00 s  critical
 * ```
 */
export function planText(plan: Plan, columns = Number.POSITIVE_INFINITY): string {
  const { concurrency, tasks, makespanMs } = plan
  const slots =
    concurrency === Number.POSITIVE_INFINITY ? 'unlimited slots' : concurrency === 1 ? '1 slot' : `${concurrency} slots`
  const { length } = plan.criticalPath
  const head = plan.durationsKnown ? timed(plan, slots) : untimed(plan, slots)
  const lines = [
    ...head,
    `${plan.durationsKnown ? 'critical path' : `longest path, ${length} ${length === 1 ? 'task' : 'tasks'}`}: ${listed(plan.criticalPath, ' → ')}`,
    '',
    ...chart(tasks.slice(0, rowsMax), makespanMs, plan.durationsKnown, columns),
  ]
  if (tasks.length > rowsMax) lines.push(`  … and ${tasks.length - rowsMax} more, in \`tasks\``)
  return lines.join('\n')
}

/** Without durations only the shape of the graph says something. */
function untimed({ graph, tasks, levels }: Plan, slots: string): string[] {
  return [
    `graph "${graph}": ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'} in ${levels.length} ${levels.length === 1 ? 'level' : 'levels'}, at most ${Math.max(0, ...levels.map(({ length }) => length))} at once by their needs; on ${slots}`,
    'nothing is known of how long they take: give tasks an `estimate`, or `durations` of an earlier run',
  ]
}

function timed(plan: Plan, slots: string): string[] {
  const { graph, tasks, workMs, spanMs, makespanMs } = plan
  return [
    `graph "${graph}": ${tasks.length} ${tasks.length === 1 ? 'task' : 'tasks'}, work ${formatMs(workMs)}, span ${formatMs(spanMs)}, parallelism ${plan.parallelism.toFixed(2)}`,
    `on ${slots}: ${formatMs(makespanMs)}, ${plan.speedup.toFixed(2)} times faster than one after the other, slots idle ${Math.round(plan.idle * 100)} %`,
    boundsText(plan),
  ]
}

function boundsText({ bounds, makespanMs }: Plan): string {
  const least = `no schedule is shorter than ${formatMs(bounds.lowerMs)}`
  if (makespanMs <= bounds.lowerMs * (1 + 1e-9)) return `${least}: this one is the shortest possible`
  return `${least}: this one is at most ${(makespanMs / bounds.lowerMs).toFixed(2)} times the shortest possible`
}

function listed(names: readonly string[], joint: string): string {
  if (names.length <= 12) return names.join(joint)
  return [...names.slice(0, 6), `… ${names.length - 12} more …`, ...names.slice(-6)].join(joint)
}

/** One row per task: when it runs, how long, and how much later it could start. */
function chart(tasks: readonly PlannedTask[], makespanMs: number, timed: boolean, columns: number): string[] {
  const ends = tasks.map(({ slot, critical, slackMs, durationMs }) => {
    const verdict = critical ? 'critical' : `slack ${formatMs(slackMs)}`
    return timed ? `slot ${slot}  ${formatMs(durationMs)}, ${verdict}` : `slot ${slot}`
  })
  const end = Math.max(...ends.map((text) => text.length), 0)
  // Three gaps of two columns; the bar gives way first, then the names.
  const left = columns - end - 6
  const longest = Math.max(...tasks.map((task) => displayWidth(task.name)), 0)
  const barWidth = Math.max(barLeast, Math.min(barMost, left - longest))
  const nameWidth = Math.min(longest, Math.max(nameLeast, left - barWidth))
  const column = (ms: number): number => (makespanMs === 0 ? 0 : Math.round((ms / makespanMs) * barWidth))
  return tasks.map((task, i) => {
    const from = Math.min(column(task.startMs), barWidth - 1)
    const to = Math.max(column(task.endMs), from + 1)
    const bar = `${'·'.repeat(from)}${(task.critical ? '█' : '▒').repeat(to - from)}${'·'.repeat(barWidth - to)}`
    return `  ${padToWidth(clipToWidth(task.name, nameWidth), nameWidth)}  ${bar}  ${ends[i]}`
  })
}

/** A flowchart: an arrow from each task to those that need it, thick along the critical path. */
export function mermaid({ tasks, criticalPath }: Plan): string {
  const ids = new Map(tasks.map((task, i) => [task.name, `t${i}`]))
  const before = new Map(criticalPath.map((name, i) => [name, criticalPath[i - 1]]))
  const lines = ['flowchart LR']
  for (const task of tasks) lines.push(`  ${ids.get(task.name)}["${escaped(task.name)}<br/>${formatMs(task.durationMs)}"]`)
  for (const task of tasks) {
    for (const need of task.needs) {
      lines.push(`  ${ids.get(need)} ${before.get(task.name) === need ? '==>' : '-->'} ${ids.get(task.name)}`)
    }
  }
  const critical = criticalPath.map((name) => ids.get(name)).join(',')
  if (critical !== '') lines.push('  classDef critical stroke-width:3px', `  class ${critical} critical`)
  return `${lines.join('\n')}\n`
}

/** Mermaid reads markup and quotes in labels; its own entities are written with `#`. */
function escaped(name: string): string {
  return name.replaceAll(/["#<>&`\\\n\r]/g, (character) => `#${character.charCodeAt(0)};`)
}
