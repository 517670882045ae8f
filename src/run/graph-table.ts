/** A graph from data: tasks by name in any order, each with the names of those that it needs. */
import { describe, InvalidGraph } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { nearest } from '../base/options.ts'
import type { TaskRef } from '../graph/index.ts'
import { type Graph, graph, type GraphTaskOptions } from './graph.ts'

/** One task of a table. */
export interface TableTask extends GraphTaskOptions {
  /** Names of the tasks whose results it needs, in any order. @default none */
  readonly needs?: readonly string[]
  /** Gets the results of its needs by name, and a `TaskContext`. May be a worker function. */
  run(results: Readonly<Record<string, unknown>>, context: TaskContext): unknown
}

/** A graph that was made from a table, and its tasks. */
export interface GraphTable<K extends string> {
  readonly graph: Graph
  /** The tasks by name, to ask `graph.run` for. */
  readonly tasks: Readonly<Record<K, TaskRef>>
}

/**
 * Makes a graph of a table of tasks, whatever their order; nothing runs yet.
 *
 * @param name as of `graph`
 * @param table by name: what the task needs and does, and its options
 * @throws {InvalidGraph} when a need is not in the table, and for a circle, which the message prints
 *
 * @example
 * const { graph: g, tasks } = graphFrom('build', {
 *   test: { needs: ['compile'], run: () => runTests() },
 *   compile: { needs: ['generate'], run: () => compile() },
 *   generate: { run: () => generate() },
 * })
 * await g.run(tasks.test, { concurrency: 4 })
 */
export function graphFrom<const K extends string>(name: string, table: Readonly<Record<K, TableTask>>): GraphTable<K> {
  const rows = new Map<string, TableTask>(Object.entries<TableTask>(checkTable(table)))
  for (const task of rows.keys()) checkTask(task, rows)
  const made = graph(name)
  const refs = new Map<string, TaskRef>()
  for (const task of inOrder(rows)) {
    const { needs = [], run, ...options } = rows.get(task) as TableTask
    const ref = made.task(task, Object.fromEntries(needs.map((need) => [need, refs.get(need) as TaskRef])), run, options)
    refs.set(task, ref as TaskRef)
  }
  return { graph: made, tasks: Object.fromEntries(refs) as Record<K, TaskRef> }
}

function checkTable<T extends object>(table: T): T {
  if (typeof table === 'object' && table !== null) return table
  throw new InvalidGraph(`Expected graphFrom to get a record of tasks by name, got ${describe(table)}`)
}

/** Depth first, without recursion: a chain of 100,000 tasks is fine. @throws {InvalidGraph} */
function inOrder(rows: ReadonlyMap<string, TableTask>): string[] {
  const ordered = new Set<string>()
  for (const first of rows.keys()) {
    /** The way down, and how many needs of each have been looked at. */
    const path = new Map<string, number>([[first, 0]])
    const stack = ordered.has(first) ? [] : [first]
    for (let task = stack.at(-1); task !== undefined; task = stack.at(-1)) {
      const at = path.get(task) as number
      const need = rows.get(task)?.needs?.[at]
      if (need === undefined) {
        ordered.add(task)
        path.delete(task)
        stack.pop()
        continue
      }
      path.set(task, at + 1)
      if (path.has(need)) throw circle([...stack.slice(stack.indexOf(need)), need])
      if (ordered.has(need)) continue
      path.set(need, 0)
      stack.push(need)
    }
  }
  return [...ordered]
}

function checkTask(task: string, rows: ReadonlyMap<string, TableTask>): void {
  const row: TableTask | null | undefined = rows.get(task)
  if (typeof row !== 'object' || row === null)
    throw new InvalidGraph(`Expected task "${task}" to be an object with a function \`run\`, got ${describe(row)}`)
  const { needs = [] } = row
  if (typeof row.run !== 'function')
    throw new InvalidGraph(`Expected task "${task}" to have a function \`run\`, got ${describe(row.run)}`)
  if (!Array.isArray(needs))
    throw new InvalidGraph(`Expected \`needs\` of task "${task}" to be a list of names, got ${describe(needs)}`)
  for (const need of needs as readonly string[]) {
    if (rows.has(need)) continue
    const near = nearest(String(need), [...rows.keys()])
    throw new InvalidGraph(`Task "${task}" needs ${describe(need)}, which is not in the table`, {
      hint: near === undefined ? undefined : `Did you mean "${near}"?`,
    })
  }
}

function circle(tasks: readonly string[]): InvalidGraph {
  return new InvalidGraph(`Tasks need one another in a circle: ${tasks.map((task) => `"${task}"`).join(' → ')}`, {
    hint: 'Each needs the next, so none of them could start. Take one of these needs out.',
  })
}
