/** What could be changed in a plan so that it ends earlier: candidates, each as the project that it makes. */
import type { Link, Project, Resource, Task } from '../model/project.ts'
import type { Compiled } from '../schedule/problem.ts'
import type { Scheduled } from '../schedule/schedule.ts'

/** From the cheapest to the dearest; what each costs is chosen. */
export const changeKinds = {
  'not-a-dependency': 1,
  'start-earlier': 2,
  overlap: 3,
  'cut-dependency': 4,
  'split-task': 5,
  'one-more': 8,
} as const
export type ChangeKind = keyof typeof changeKinds

export interface Change {
  readonly kind: ChangeKind
  readonly message: string
  readonly remedy: string
  /** What a person has to answer before it can be done. */
  readonly question: string
  readonly line: number
  readonly project: Project
}

/** Candidates on the chains that decide the end, in the order of their cost. */
export function changes(project: Project, { tasks }: Compiled, { chain, ideal, taken }: Scheduled): Change[] {
  const onChain = new Set([...chain, ...ideal.path].map((t) => tasks[t]?.id ?? ''))
  const found: Change[] = []
  for (const task of project.tasks) {
    if (!onChain.has(task.id)) continue
    for (const link of task.links) {
      const need = project.tasks.find(({ id }) => id === link.task)
      if (!need || !onChain.has(need.id)) continue
      found.push(...aboutLink(project, task, link, need))
    }
    if ((task.earliestMs ?? 0) > 0) {
      found.push({
        kind: 'start-earlier',
        message: `"${task.name}" may not start before a fixed date`,
        remedy: `let "${task.name}" start as soon as what it needs is there`,
        question: `What does the date of "${task.name}" wait for?`,
        line: task.line,
        project: withTask(project, task, without(task, 'earliestMs')),
      })
    }
    if (task.durationMs > 1) found.push(split(project, task))
  }
  const busy = new Set(chain.flatMap((t) => (taken[t] ?? []).map(([resource]) => resource)))
  for (const r of busy) {
    const resource = project.resources[r]

    if (resource) found.push(oneMore(project, resource))
  }
  return found.sort((a, b) => changeKinds[a.kind] - changeKinds[b.kind])
}

function aboutLink(project: Project, task: Task, link: Link, need: Task): Change[] {
  const line = link.line || task.line
  const cut: Change = {
    kind: link.implied ? 'not-a-dependency' : 'cut-dependency',
    message: link.implied
      ? `"${task.name}" waits for "${need.name}" only because it stands below it`
      : `"${task.name}" waits for "${need.name}"`,
    remedy: link.implied
      ? `say what "${task.name}" really comes after`
      : `define the contract between "${need.name}" and "${task.name}" first, then do both at once`,
    question: `Does "${task.name}" use a result of "${need.name}", or only know what it will look like?`,
    line,
    project: withTask(project, task, { ...task, links: task.links.filter((each) => each !== link) }),
  }
  if (link.type !== 'FS' || need.durationMs === 0 || task.durationMs === 0) return [cut]
  const half = Math.round(need.durationMs / 2)
  const rest = Math.min(Math.round(task.durationMs / 2), need.durationMs - half)
  const overlapped: Link[] = [
    { task: need.id, type: 'SS', lagMs: half + link.lagMs, line: link.line },
    { task: need.id, type: 'FF', lagMs: rest + link.lagMs, line: link.line },
  ]
  const overlap: Change = {
    kind: 'overlap',
    message: `"${task.name}" waits until all of "${need.name}" is done`,
    remedy: `start "${task.name}" from a partial result, when half of "${need.name}" is done`,
    question: `Can "${need.name}" hand over a first half?`,
    line,
    project: withTask(project, task, { ...task, links: task.links.flatMap((each) => (each === link ? overlapped : [each])) }),
  }
  return link.implied ? [cut] : [cut, overlap]
}

/** Two halves that need the same and are needed by the same, on whatever is free. */
function split(project: Project, task: Task): Change {
  const first = { ...task, durationMs: Math.ceil(task.durationMs / 2) }
  const id = unused(project, `${task.id} (2)`)
  const second: Task = {
    ...without(task, 'estimate'),
    id,
    name: `${task.name} (second half)`,
    durationMs: Math.floor(task.durationMs / 2),
  }
  const tasks = project.tasks.flatMap((each): Task[] => {
    if (each === task) return [first, second]
    const own = each.links.filter((link) => link.task === task.id)
    return own.length === 0 ? [each] : [{ ...each, links: [...each.links, ...own.map((link) => ({ ...link, task: id }))] }]
  })
  return {
    kind: 'split-task',
    message: `"${task.name}" is one piece, and everything after it waits for all of it`,
    remedy: `split "${task.name}" into two halves that can be done at once`,
    question: `Can two people, or machines, work on "${task.name}" without waiting for each other?`,
    line: task.line,
    project: { ...project, tasks },
  }
}

function oneMore(project: Project, resource: Resource): Change {
  const more = { ...resource, capacity: resource.capacity + 1 }
  return {
    kind: 'one-more',
    message: `"${resource.name}" is busy where the end is decided`,
    remedy:
      resource.capacity === 1
        ? `a second "${resource.name}"`
        : `${more.capacity} of "${resource.name}" instead of ${resource.capacity}`,
    question: `Is there somebody, or something, that can do what "${resource.name}" does?`,
    line: resource.line,
    project: { ...project, resources: project.resources.map((each) => (each === resource ? more : each)) },
  }
}

function withTask(project: Project, task: Task, other: Task): Project {
  return { ...project, tasks: project.tasks.map((each) => (each === task ? other : each)) }
}

function without<K extends keyof Task>(task: Task, key: K): Task {
  return Object.fromEntries(Object.entries(task).filter(([name]) => name !== key)) as unknown as Task
}

function unused({ tasks }: Project, id: string): string {
  let free = id
  while (tasks.some((task) => task.id === free)) free += "'"
  return free
}
