/**
 * A project as the schedulers read it: tasks are whole numbers, and each needs only smaller ones. Times are whole milliseconds from the
 * start of the project.
 */
import { type Dag, dagOf } from '../../graph/index.ts'
import { Calendar, type CalendarRules, type Span } from '../model/calendar.ts'
import { orderOf } from '../model/order.ts'
import type { Demand, LinkType, Project, Task } from '../model/project.ts'

/** Kinds of links, as numbers. */
export const [finishStart, startStart, finishFinish, startFinish] = [0, 1, 2, 3]
const kindOf: Readonly<Record<LinkType, number>> = { FS: finishStart, SS: startStart, FF: finishFinish, SF: startFinish }
/** What a link is when time runs backwards. */
const mirrored = [finishStart, finishFinish, startStart, startFinish]

/** Any `units` of the resources that have a skill, each whole. */
export interface Choice {
  readonly units: number
  readonly candidates: readonly number[]
}

export interface Problem {
  readonly size: number
  readonly durations: Float64Array
  readonly release: Float64Array
  readonly dag: Dag
  /** Kind and lag of the link that stands at the same place in `dag.needs`. */
  readonly kinds: Uint8Array
  readonly lags: Float64Array
  /** Kind and lag of the link that stands at the same place in `dag.dependents`. */
  readonly dependentKinds: Uint8Array
  readonly dependentLags: Float64Array
  /** Whether every link is finish-to-start without a lead: then an order by start times keeps all links. */
  readonly plain: boolean
  readonly capacities: Float64Array
  /** What task t takes for certain: entries `demandStart[t] … demandStart[t + 1] - 1`. */
  readonly demandStart: Uint32Array
  readonly demandResources: Uint32Array
  readonly demandUnits: Float64Array
  /** What it takes by skill. */
  readonly choices: readonly (readonly Choice[])[]
  readonly hasChoices: boolean
  /** When each task can be worked on; undefined: always. */
  readonly calendars: readonly (Calendar | undefined)[]
  /** When each resource works; undefined: whenever a task that takes it does. */
  readonly resourceCalendars: readonly (Calendar | undefined)[]
  readonly hasCalendars: boolean
}

/** A problem, and the tasks that its numbers stand for. */
export interface Compiled {
  readonly problem: Problem
  readonly tasks: readonly Task[]
  /** The working time of the project; undefined when it always goes on. */
  readonly calendar: Calendar | undefined
}

/** @throws {InvalidPlan} when tasks need one another in a circle */
export function compile(project: Project): Compiled {
  const tasks = orderOf(project)
  const numbers = new Map(tasks.map(({ id }, number) => [id, number]))
  const needStart = new Uint32Array(tasks.length + 1)
  const [needs, kinds, lags]: [number[], number[], number[]] = [[], [], []]
  const [demandResources, demandUnits]: [number[], number[]] = [[], []]
  const demandStart = new Uint32Array(tasks.length + 1)
  const resources = new Map(project.resources.map(({ id }, number) => [id, number]))
  const calendars = calendarsOf(project)
  const resourceCalendars = project.resources.map(({ calendar }) => calendars(calendar))
  const taskCalendars: (Calendar | undefined)[] = []
  const choices: Choice[][] = []
  for (const [t, task] of tasks.entries()) {
    for (const link of task.links) {
      needs.push(numbers.get(link.task) as number)
      kinds.push(kindOf[link.type])
      lags.push(link.lagMs)
    }
    needStart[t + 1] = needs.length
    const own = new Map<number, number>()
    for (const demand of task.demands) {
      if ('resource' in demand) {
        const resource = resources.get(demand.resource) as number
        own.set(resource, (own.get(resource) ?? 0) + demand.units)
      }
    }
    for (const [resource, units] of own) {
      demandResources.push(resource)
      demandUnits.push(units)
    }
    demandStart[t + 1] = demandResources.length
    choices.push(choicesOf(project, task.demands, new Set(own.keys())))
    const needed = [
      calendars(task.calendar ?? project.calendar),
      ...[...own.keys()].map((resource) => resourceCalendars[resource]),
    ]
    taskCalendars.push(common(needed))
  }
  const links = dagOf(needStart, Uint32Array.from(needs))
  const problem = withDependents({
    size: tasks.length,
    durations: Float64Array.from(tasks, ({ durationMs }) => durationMs),
    release: Float64Array.from(tasks, ({ earliestMs }) => earliestMs ?? 0),
    dag: links,
    kinds: Uint8Array.from(kinds),
    lags: Float64Array.from(lags),
    capacities: Float64Array.from(project.resources, ({ capacity }) => capacity),
    demandStart,
    demandResources: Uint32Array.from(demandResources),
    demandUnits: Float64Array.from(demandUnits),
    choices,
    hasChoices: choices.some(({ length }) => length > 0),
    calendars: taskCalendars,
    resourceCalendars,
    hasCalendars: taskCalendars.some(Boolean) || resourceCalendars.some(Boolean),
  })
  return { problem, tasks, calendar: calendars(project.calendar) }
}

function calendarsOf({ calendars, startMs }: Project): (name: string | undefined) => Calendar | undefined {
  const made = new Map<string, Calendar>()
  return (name) => {
    const rules = name === undefined ? undefined : calendars[name]
    if (name === undefined || !rules || isAlways(rules)) return undefined
    const calendar = made.get(name) ?? Calendar.of(rules, startMs ?? firstMonday, `"${name}"`)
    made.set(name, calendar)
    return calendar
  }
}

/** Work that never pauses needs no calendar. */
function isAlways({ week, days }: CalendarRules): boolean {
  const whole = (spans: readonly Span[]): boolean => spans.length === 1 && spans[0]?.[0] === 0 && spans[0][1] === 86_400_000
  return week.every(whole) && Object.values(days).every(whole)
}

/** Plans without dates begin on a Monday. */
const firstMonday = 4 * 86_400_000

const commons = new WeakMap<Calendar, Map<Calendar, Calendar>>()

/** Where all that are given work; the same object for the same calendars, because each keeps a table. */
function common(calendars: readonly (Calendar | undefined)[]): Calendar | undefined {
  let all: Calendar | undefined
  for (const calendar of new Set(calendars)) if (calendar) all = all ? bothOf(all, calendar) : calendar
  return all
}

export function bothOf(a: Calendar, b: Calendar): Calendar {
  if (a === b) return a
  const known = commons.get(a) ?? new Map<Calendar, Calendar>()
  commons.set(a, known)
  const both = known.get(b) ?? Calendar.all([a, b])
  known.set(b, both)
  return both
}

function choicesOf({ resources }: Project, demands: readonly Demand[], taken: ReadonlySet<number>): Choice[] {
  return demands.flatMap((demand) => {
    if (!('skill' in demand)) return []
    const candidates = resources.flatMap(({ skills }, number) =>
      skills.includes(demand.skill) && !taken.has(number) ? [number] : [],
    )
    return [{ units: demand.units, candidates }]
  })
}

/** Adds what follows from the links. */
export function withDependents(problem: Omit<Problem, 'dependentKinds' | 'dependentLags' | 'plain'>): Problem {
  const { dag, kinds, lags } = problem
  const dependentKinds = new Uint8Array(kinds.length)
  const dependentLags = new Float64Array(lags.length)
  const next = dag.dependentStart.slice(0, dag.size)
  for (let e = 0; e < dag.needs.length; e++) {
    const at = next[dag.needs[e] as number] as number
    next[dag.needs[e] as number] = at + 1
    dependentKinds[at] = kinds[e] as number
    dependentLags[at] = lags[e] as number
  }
  return {
    ...problem,
    dependentKinds,
    dependentLags,
    plain: kinds.every((kind) => kind === finishStart) && lags.every((lag) => lag >= 0),
  }
}

/**
 * The same problem with time running backwards, for schedules that begin at the end. Task t becomes `size - 1 - t`. Releases and calendars are left
 * out, because such a schedule only says in which order to schedule forwards.
 */
export function reversed(problem: Problem): Problem {
  const { size, dag, dependentKinds, dependentLags, demandStart, demandResources, demandUnits } = problem
  const turned = (t: number): number => size - 1 - t
  const needStart = new Uint32Array(size + 1)
  const newDemandStart = new Uint32Array(size + 1)
  const [needs, kinds, lags]: [number[], number[], number[]] = [[], [], []]
  const [resources, units]: [number[], number[]] = [[], []]
  for (let r = 0; r < size; r++) {
    const t = turned(r)
    for (let e = dag.dependentStart[t] as number; e < (dag.dependentStart[t + 1] as number); e++) {
      needs.push(turned(dag.dependents[e] as number))
      kinds.push(mirrored[dependentKinds[e] as number] as number)
      lags.push(dependentLags[e] as number)
    }
    needStart[r + 1] = needs.length
    for (let d = demandStart[t] as number; d < (demandStart[t + 1] as number); d++) {
      resources.push(demandResources[d] as number)
      units.push(demandUnits[d] as number)
    }
    newDemandStart[r + 1] = resources.length
  }
  return withDependents({
    ...problem,
    durations: problem.durations.slice().reverse(),
    release: new Float64Array(size),
    dag: dagOf(needStart, Uint32Array.from(needs)),
    kinds: Uint8Array.from(kinds),
    lags: Float64Array.from(lags),
    demandStart: newDemandStart,
    demandResources: Uint32Array.from(resources),
    demandUnits: Float64Array.from(units),
    choices: problem.choices.slice().reverse(),
    calendars: problem.calendars.map(() => undefined),
    resourceCalendars: problem.resourceCalendars.map(() => undefined),
    hasCalendars: false,
  })
}
