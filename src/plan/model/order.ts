/** Which order the tasks of a project have; a project whose tasks need one another in a circle has none. */
import { InvalidPlan } from './invalid-plan.ts'
import type { Link, Project, Task } from './project.ts'

/** The tasks, each after those that it needs; otherwise as the project lists them. O(tasks + links), without recursion. */
export function orderOf(project: Project): Task[] {
  const { tasks } = project
  const byId = new Map(tasks.map((task) => [task.id, task]))
  const placed = new Set<string>()
  const open = new Set<string>()
  const order: Task[] = []
  for (const start of tasks) {
    const visits: { readonly task: Task; next: number }[] = []
    const enter = (task: Task): void => {
      open.add(task.id)
      visits.push({ task, next: 0 })
    }
    if (!placed.has(start.id)) enter(start)
    for (let visit = visits.at(-1); visit; visit = visits.at(-1)) {
      const link = visit.task.links[visit.next++]
      if (!link) {
        visits.pop()
        open.delete(visit.task.id)
        placed.add(visit.task.id)
        order.push(visit.task)
        continue
      }
      const need = byId.get(link.task)
      if (!need || placed.has(need.id)) continue
      if (open.has(need.id)) {
        const from = visits.findIndex(({ task }) => task.id === need.id)
        throw circle(
          project,
          visits.slice(from).map(({ task, next }) => ({ task, link: task.links[next - 1] as Link })),
        )
      }
      enter(need)
    }
  }
  return order
}

/** Each of them needs the next, and the last the first. */
function circle({ file }: Project, steps: readonly { readonly task: Task; readonly link: Link }[]): InvalidPlan {
  const ids = steps.map(({ task }) => task.id)
  const path = [...ids, ids[0]].join(' → ')
  const lines = steps.map(({ task, link }) => `  ${task.id} needs ${link.task}${place(file, link.line || task.line)}`)
  return new InvalidPlan([`Tasks need one another in a circle: ${path}`, ...lines].join('\n'), {
    hint: 'Take one of these dependencies out, or split a task: its first part is what the other one needs.',
  })
}

/** ` (plan.csv:7)`, as far as it is known. */
export function place(file: string, line: number): string {
  if (line === 0) return file === '' ? '' : ` (${file})`
  return file === '' ? ` (line ${line})` : ` (${file}:${line})`
}
