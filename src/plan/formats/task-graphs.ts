/** Task graphs of build systems in JSON: `turbo run build --dry=json` and its summaries, `nx run-many -t build --graph=graph.json`. */
import { InvalidPlan } from '../model/invalid-plan.ts'
import { place } from '../model/order.ts'
import type { Link, Project, Task } from '../model/project.ts'
import { checked, nameOfFile } from './draft.ts'
import { at, type Located, textOf, textsOf } from './located.ts'

/** What a task without known duration counts as. */
const unknownMs = 1_000

export function looksLikeTurbo(root: Located): boolean {
  const tasks = at(root, 'tasks')
  return tasks?.kind === 'list' && tasks.items.some((task) => at(task, 'taskId') !== undefined)
}

/** The tasks of a run; a summary knows how long each took. */
export function readTurbo(root: Located, file: string): Project {
  const rows = at(root, 'tasks')
  if (rows?.kind !== 'list') throw new InvalidPlan(`Expected \`tasks\` to be a list${place(file, root.line)}`)
  const known = new Set(rows.items.map((row) => textOf(at(row, 'taskId'))))
  let timed = 0
  const tasks = rows.items.map((row): Task => {
    const id = textOf(at(row, 'taskId')) ?? ''
    const execution = at(row, 'execution')
    const [start, end] = [Number(textOf(at(execution, 'startTime'))), Number(textOf(at(execution, 'endTime')))]
    const took = start > 0 && end >= start ? end - start : undefined
    if (took !== undefined) timed++
    const needs = textsOf(at(row, 'dependencies')).filter(({ text }) => known.has(text))
    return {
      id,
      name: id,
      durationMs: took ?? (textOf(at(row, 'command')) === '<NONEXISTENT>' ? 0 : unknownMs),
      links: needs.map(({ text, line }): Link => ({ task: text, type: 'FS', lagMs: 0, line })),
      demands: [],
      line: row.line,
    }
  })
  return checked({
    name: nameOfFile(file),
    file,
    format: 'turbo',
    unit: 's',
    calendars: {},
    resources: [],
    tasks,
    notes: notesOf(timed, tasks.length),
  })
}

function graphOf(root: Located): Located | undefined {
  for (const graph of [at(root, 'taskGraph'), at(root, 'tasks'), root])
    if (at(graph, 'tasks')?.kind === 'map' && at(graph, 'dependencies')?.kind === 'map') return graph
  return undefined
}

export function looksLikeNx(root: Located): boolean {
  return graphOf(root) !== undefined || at(at(root, 'graph'), 'nodes')?.kind === 'map'
}

/** A graph of tasks, or of projects where there is none. */
export function readNx(root: Located, file: string): Project {
  const graph = graphOf(root)
  const projects = at(root, 'graph')
  const nodes = graph ? at(graph, 'tasks') : at(projects, 'nodes')
  const edges = at(graph ?? projects, 'dependencies')
  if (nodes?.kind !== 'map') throw new InvalidPlan(`Expected a graph of Nx with tasks or nodes${place(file, root.line)}`)
  let timed = 0
  const tasks = [...nodes.entries].map(([id, node]): Task => {
    const [start, end] = [Number(textOf(at(node, 'startTime'))), Number(textOf(at(node, 'endTime')))]
    const took = start > 0 && end >= start ? end - start : undefined
    if (took !== undefined) timed++
    const needs = at(edges, id)
    const targets =
      needs?.kind === 'list'
        ? needs.items.flatMap((item) => (item.kind === 'map' ? textsOf(at(item, 'target')) : textsOf(item)))
        : []
    const links = targets
      .filter(({ text }) => nodes.entries.has(text))
      .map(({ text, line }): Link => ({ task: text, type: 'FS', lagMs: 0, line }))
    return { id, name: id, durationMs: took ?? unknownMs, links, demands: [], line: node.line }
  })
  return checked({
    name: nameOfFile(file),
    file,
    format: 'nx',
    unit: 's',
    calendars: {},
    resources: [],
    tasks,
    notes: notesOf(timed, tasks.length),
  })
}

function notesOf(timed: number, all: number): string[] {
  return timed === all
    ? []
    : [`${all - timed} of ${all} tasks have no duration and count as a second each, unless --learn has durations of past runs`]
}
