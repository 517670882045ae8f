/**
 * What readers collect, and what is checked of every plan whatever it was written in: names that mean nothing, tasks twice, more units than there
 * are. What is wrong is said with its line.
 */
import { nearest } from '../../base/options.ts'
import { InvalidPlan } from '../model/invalid-plan.ts'
import { orderOf, place } from '../model/order.ts'
import { type Link, type LinkType, linkTypes, type Project, type Resource, type Task } from '../model/project.ts'
import { type DayLengths, longestMs, parseLength, type Unit } from '../model/time.ts'

/** @throws {InvalidPlan} when tasks, links or demands name what is not there, or more than there is */
export function checked(project: Project): Project {
  const { file, tasks } = project
  if (tasks.length === 0) throw new InvalidPlan(`This plan has no tasks${place(file, 0)}`)
  const ids = new Map<string, Task>()
  for (const task of tasks) {
    const other = ids.get(task.id)
    if (other)
      throw new InvalidPlan(`Two tasks are called "${task.id}": ${where(other)} and ${where(task)}${place(file, task.line)}`)
    ids.set(task.id, task)
  }
  const resources = resourcesOf(project)
  const byId = new Map(resources.map((resource) => [resource.id, resource]))
  const skills = new Map<string, number>()
  for (const { skills: own, capacity } of resources)
    for (const skill of own) skills.set(skill, (skills.get(skill) ?? 0) + capacity)
  let sumMs = 0
  for (const task of tasks) {
    for (const link of task.links) {
      if (link.task === task.id) throw new InvalidPlan(`Task "${task.id}" needs itself${place(file, link.line || task.line)}`)
      if (!ids.has(link.task))
        throw new InvalidPlan(
          `Task "${task.id}" needs "${link.task}", and there is no such task${place(file, link.line || task.line)}`,
          { hint: meant(link.task, [...ids.keys()]) },
        )
      sumMs += Math.abs(link.lagMs)
    }
    checkDemands(task, byId, skills, file)
    if (task.calendar !== undefined && !Object.hasOwn(project.calendars, task.calendar))
      throw new InvalidPlan(
        `Task "${task.id}" keeps the calendar "${task.calendar}", and there is none of that name${place(file, task.line)}`,
        { hint: meant(task.calendar, Object.keys(project.calendars)) },
      )
    sumMs += task.durationMs + (task.earliestMs ?? 0)
  }
  if (!(sumMs < longestMs / 4)) throw new InvalidPlan(`This plan takes longer than dates can express${place(file, 0)}`)
  const whole = { ...project, resources }
  // A circle is found now rather than by whoever schedules.
  orderOf(whole)
  return whole
}

function where({ line }: Task): string {
  return line === 0 ? 'one' : `line ${line}`
}

/** A plan that lists nobody means one of everyone that its tasks name. */
function resourcesOf({ resources, tasks }: Project): readonly Resource[] {
  if (resources.length > 0) return resources
  const named = new Map<string, Resource>()
  for (const { demands } of tasks) {
    for (const demand of demands) {
      if (!('resource' in demand) || named.has(demand.resource)) continue
      named.set(demand.resource, { id: demand.resource, name: demand.resource, capacity: 1, skills: [], line: demand.line })
    }
  }
  return [...named.values()]
}

function checkDemands(
  task: Task,
  resources: ReadonlyMap<string, Resource>,
  skills: ReadonlyMap<string, number>,
  file: string,
): void {
  const sums = new Map<string, number>()
  for (const demand of task.demands) {
    const bySkill = 'skill' in demand
    const name = bySkill ? demand.skill : demand.resource
    const available = bySkill ? skills.get(name) : resources.get(name)?.capacity
    const line = place(file, demand.line || task.line)
    if (available === undefined) {
      const what = bySkill ? `somebody who knows "${name}", and nobody does` : `"${name}", which is not among the resources`
      throw new InvalidPlan(`Task "${task.id}" takes ${what}${line}`, {
        hint: meant(name, bySkill ? [...skills.keys()] : [...resources.keys()]),
      })
    }
    const key = `${bySkill ? 'skill' : 'resource'} ${name}`
    const sum = (sums.get(key) ?? 0) + demand.units
    sums.set(key, sum)
    if (sum > available)
      throw new InvalidPlan(
        `Task "${task.id}" takes ${sum} of "${name}", and there ${available === 1 ? 'is' : 'are'} ${available}${line}`,
      )
  }
}

export function meant(word: string, known: readonly string[]): string | undefined {
  const near = nearest(word, known)
  return near === undefined ? undefined : `Did you mean "${near}"?`
}

/** `a`, `a SS`, `aFS+2d`, `a FF - 3 days`, as tables and short forms write what a task needs. */
export function parseLink(
  text: string,
  line: number,
  unit: Unit,
  days: DayLengths,
  isTask: (id: string) => boolean,
): Link | undefined {
  const trimmed = text.trim()
  if (isTask(trimmed)) return { task: trimmed, type: 'FS', lagMs: 0, line }
  // From the end, one part after the other: all at once takes time with the square of a long line.
  const [shift = '', sign, lag] = /([+-])\s*(\d[\d.]*\s*[a-z]*)$/i.exec(trimmed) ?? []
  const rest = trimmed.slice(0, trimmed.length - shift.length).trimEnd()
  const type = /(?<![a-z_])(?:FS|SS|FF|SF)$/i.exec(rest)?.[0]
  const id = rest.slice(0, rest.length - (type?.length ?? 0))
  if (id.trim() === '') return undefined
  const lagMs = lag === undefined ? 0 : parseLength(lag, unit, days)
  if (lagMs === undefined) return undefined
  return {
    task: id.trim(),
    type: (type?.toUpperCase() as LinkType | undefined) ?? 'FS',
    lagMs: sign === '-' ? -lagMs : lagMs,
    line,
  }
}

export function isLinkType(text: string): text is LinkType {
  return (linkTypes as readonly string[]).includes(text)
}

/** What a plan is called that has no name of its own. */
export function nameOfFile(file: string): string {
  return file.replace(/^.*[\\/]/, '').replace(/\.\w+$/, '')
}
