/** The answers to a plan: how long it takes one after the other, as dependencies allow, and with the people and machines that there are. */
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import type { Project, Resource } from './model/project.ts'
import { daysOf } from './model/lengths.ts'
import { inUnit, type Unit } from './model/time.ts'
import { compile, type Compiled } from './schedule/problem.ts'
import { type Scheduled, schedule, takenText } from './schedule/schedule.ts'
import { worked } from './schedule/critical-path.ts'

/** Options of {@link plan}. */
export interface PlanOptions {
  /**
   * How many schedules are tried at most, each pass counted; fewer when one is proven to be the best. From 1 up.
   * @default 1,000
   */
  readonly schedules?: number
  /** Equal seeds give equal schedules. @default 1 */
  readonly seed?: number
  /** How many tasks can go on at once where the plan names nobody: a whole number from 1 up. @default no bound */
  readonly concurrency?: number
  /** The search ends after this many milliseconds, with fewer schedules. Results then depend on the machine. @default 4,000 */
  readonly withinMs?: number
}

const planRules: OptionRules<PlanOptions> = {
  schedules: rules.whole(1),
  seed: rules.whole(0),
  concurrency: rules.whole(1),
  withinMs: rules.number(0),
}

/** A task in the schedule. Times count in the plan's unit from its start, as working time of its calendar. */
export interface TaskOutlook {
  readonly id: string
  readonly name: string
  readonly start: number
  readonly end: number
  readonly duration: number
  /** How much later it may start without moving the end that dependencies alone allow. */
  readonly slack: number
  /** The same in this schedule, with everybody's order as it is. */
  readonly float: number
  /** The people and machines that do it; null when none is named. */
  readonly resource: string | null
  readonly critical: boolean
  readonly startDate?: string
  readonly endDate?: string
  /** How much after its due date it ends; only where it has one. */
  readonly late?: number
}

/** A resource over the plan: how much of it is used, and when. */
export interface ResourceOutlook {
  readonly id: string
  readonly name: string
  readonly capacity: number
  /** Working time that it is taken, times units. */
  readonly busy: number
  /** Busy / (capacity times the end of the plan), from 0 to 1. */
  readonly utilization: number
  /** The smallest float of its tasks: how late it may be without moving the end. */
  readonly float: number
}

/** What {@link plan} gives: plain data. Numbers count in `unit`. */
export interface PlanReport {
  readonly name: string
  readonly unit: Unit
  /** One after the other. */
  readonly sequential: number
  /** As the dependencies allow. */
  readonly ideal: number
  /** With the people and machines that there are. */
  readonly scheduled: number
  /** No schedule with them ends earlier. */
  readonly lowerBound: number
  /** How far the schedule may be from the best one: (scheduled − lowerBound) / lowerBound. */
  readonly gap: number
  /** How many schedules were made. */
  readonly schedules: number
  /** The chain of dependencies that decides `ideal`. */
  readonly criticalPath: readonly { readonly id: string; readonly name: string }[]
  /** The chain of dependencies and hand-overs that decides `scheduled`. */
  readonly chain: readonly { readonly id: string; readonly name: string }[]
  /** In the order in which they start. */
  readonly tasks: readonly TaskOutlook[]
  readonly resources: readonly ResourceOutlook[]
  readonly startDate?: string
  readonly endDate?: string
  readonly notes: readonly string[]
}

/** A plan with its schedule, for everything that draws, exports and asks what if. */
export interface Planned {
  readonly project: Project
  readonly compiled: Compiled
  readonly scheduled: Scheduled
  readonly report: PlanReport
}

/**
 * Schedules a project.
 * @throws {InvalidOption} for an unknown or wrong option
 * @throws {InvalidPlan} when somebody has no working hours
 * @example
 * const { report } = plan(await readPlan(text))
 */
export function plan(given: Project, options: PlanOptions = {}): Planned {
  checkOptions<PlanOptions>(options, planRules, 'plan')
  const project = options.concurrency === undefined ? given : withSlots(given, options.concurrency)
  const compiled = compile(project)
  const deadline = performance.now() + (options.withinMs ?? 4_000)
  const scheduled = schedule(compiled, {
    schedules: options.schedules ?? 1_000,
    seed: options.seed ?? 1,
    stop: () => performance.now() > deadline,
  })
  return { project, compiled, scheduled, report: reportOf(project, compiled, scheduled) }
}

/** What people give when nobody is named: so many who can do anything, one for each task. */
export function withSlots(project: Project, slots: number): Project {
  const resource: Resource = { id: 'slots', name: 'slots', capacity: slots, skills: [], line: 0 }
  const tasks = project.tasks.map((task) =>
    task.demands.length > 0 ? task : { ...task, demands: [{ resource: resource.id, units: 1, line: 0 }] },
  )
  if (slots === Infinity || tasks.every((task, i) => task === project.tasks[i])) return project
  return { ...project, resources: [...project.resources, resource], tasks }
}

/** Moments and lengths as numbers in the plan's unit. */
export function scaleOf(
  project: Project,
  { calendar }: Compiled,
): {
  readonly length: (ms: number) => number
  readonly moment: (ms: number) => number
  readonly date: (ms: number) => string | undefined
} {
  const days = daysOf(project)
  const length = (ms: number): number => inUnit(ms, project.unit, days)
  return {
    length,
    moment: (ms) => length(worked(calendar, 0, ms)),
    date: (ms) => (project.startMs === undefined ? undefined : new Date(project.startMs + ms).toISOString()),
  }
}

function reportOf(project: Project, compiled: Compiled, scheduled: Scheduled): PlanReport {
  const { problem, tasks } = compiled
  const { starts, ends, ideal, taken, float, chain, end } = scheduled
  const { length, moment, date } = scaleOf(project, compiled)
  const sequentialMs = tasks.reduce((sum, { durationMs }) => sum + durationMs, 0)
  const named = (t: number): { id: string; name: string } => ({ id: tasks[t]?.id ?? '', name: tasks[t]?.name ?? '' })
  const order = Uint32Array.from({ length: problem.size }, (_, t) => t).sort(
    (a, b) => (starts[a] as number) - (starts[b] as number) || a - b,
  )
  const onPath = new Set(chain)
  const rows = Array.from(order, (t): TaskOutlook => {
    const [start, finish] = [starts[t] as number, ends[t] as number]
    const task = tasks[t]
    const [startDate, endDate] = [date(start), date(finish)]
    return {
      ...named(t),
      start: moment(start),
      end: moment(finish),
      duration: length(problem.durations[t] as number),
      slack: length(ideal.slack[t] as number),
      float: length(float[t] as number),
      resource: takenText(taken[t] ?? [], project.resources) || null,
      critical: onPath.has(t),
      ...(startDate !== undefined && { startDate }),
      ...(endDate !== undefined && { endDate }),
      ...(task?.dueMs !== undefined && { late: length(worked(compiled.calendar, task.dueMs, finish)) }),
    }
  })
  const [startDate, endDate] = [date(0), date(end)]
  return {
    name: project.name,
    unit: project.unit,
    sequential: length(sequentialMs),
    ideal: moment(ideal.end),
    scheduled: moment(end),
    lowerBound: moment(scheduled.lowerBound),
    gap: scheduled.lowerBound === 0 ? 0 : Number(((end - scheduled.lowerBound) / scheduled.lowerBound).toFixed(6)),
    schedules: scheduled.schedules,
    criticalPath: ideal.path.map(named),
    chain: chain.map(named),
    tasks: rows,
    resources: resourcesOf(project, compiled, scheduled, length),
    ...(startDate !== undefined && { startDate }),
    ...(endDate !== undefined && { endDate }),
    notes: project.notes,
  }
}

function resourcesOf(
  project: Project,
  { calendar }: Compiled,
  { starts, ends, taken, float, end }: Scheduled,
  length: (ms: number) => number,
): ResourceOutlook[] {
  const busy = new Float64Array(project.resources.length)
  const least = new Float64Array(project.resources.length).fill(Infinity)
  for (const [t, own] of taken.entries()) {
    for (const [resource, units] of own) {
      busy[resource] = (busy[resource] as number) + units * worked(calendar, starts[t] as number, ends[t] as number)
      least[resource] = Math.min(least[resource] as number, float[t] as number)
    }
  }
  const whole = worked(calendar, 0, end)
  return project.resources.map(({ id, name, capacity }, r) => ({
    id,
    name,
    capacity,
    busy: length(busy[r] as number),
    utilization: whole === 0 ? 0 : Number(((busy[r] as number) / (capacity * whole)).toFixed(4)),
    float: length(least[r] === Infinity ? whole : (least[r] as number)),
  }))
}
