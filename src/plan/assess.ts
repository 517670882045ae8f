/** What could go wrong with a plan, and what would help: delays, ranges of the end, the changes that buy most. */
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { dateText } from './model/time.ts'
import { type Planned, scaleOf } from './plan.ts'
import { lengths } from './model/lengths.ts'
import { delays } from './risk/delays.ts'
import { type Mitigation, mitigations } from './risk/mitigation.ts'
import { monteCarlo } from './risk/monte-carlo.ts'

/** Options of {@link assess}. */
export interface AssessOptions {
  /** Equal seeds give equal figures. @default 1 */
  readonly seed?: number
}

const assessRules: OptionRules<AssessOptions> = { seed: rules.whole(0) }

/** How a task's delay bears on the end. */
export interface TaskRisk {
  readonly id: string
  readonly name: string
  /** Share of the runs in which it decided the end, from 0 to 1. */
  readonly criticality: number
  /** How late it may be before the end moves. */
  readonly absorbs: number
  /** How much later the plan ends when it takes 25, 50 and 100 % longer; null where that was not tried, in large plans. */
  readonly delay25: number | null
  readonly delay50: number | null
  readonly delay100: number | null
}

/** Numbers count in the plan's unit. */
export interface Risk {
  /** How many runs with drawn durations. */
  readonly runs: number
  /** The end of half, 80 % and 95 % of them is no later. */
  readonly p50: number
  readonly p80: number
  readonly p95: number
  /** Share of them that end no later than the schedule says. */
  readonly onTime: number
  /** How many tasks have an estimate of their own; the others are drawn between 10 % less and 50 % more than planned. */
  readonly estimated: number
  /** The most critical first. */
  readonly tasks: readonly TaskRisk[]
}

/** A change that makes the plan end earlier, in the words of a finding. */
export interface Remedy extends Mitigation {
  /** How much earlier the plan ends, in its unit. */
  readonly saves: number
  /** The new end. */
  readonly end: number
  readonly endDate?: string
}

/** What {@link assess} gives. */
export interface Assessment {
  readonly risk: Risk
  /** At most three, the best for what they cost first. */
  readonly mitigation: readonly Remedy[]
}

/**
 * Asks of a plan what delays do to its end, and what would make it end earlier. Each change has been scheduled: what it saves is what its schedule shows.
 * @throws {InvalidOption} for an unknown or wrong option
 * @example
 * const { risk, mitigation } = assess(plan(await readPlan(text)))
 */
export function assess(planned: Planned, options: AssessOptions = {}): Assessment {
  checkOptions<AssessOptions>(options, assessRules, 'assess')
  const { project, compiled, scheduled } = planned
  const { problem, tasks } = compiled
  const seed = options.seed ?? 1
  const { length, moment, date } = scaleOf(project, compiled)
  // Differences of moments count as working time too.
  const later = (ms: number): number => Number((moment(scheduled.end + ms) - moment(scheduled.end)).toFixed(6))
  const outcomes = monteCarlo(problem, tasks, scheduled, seed)
  const delayed = delays(problem, scheduled)
  const text = lengths(project)
  const saved = (endMs: number): number => Number((moment(scheduled.end) - moment(endMs)).toFixed(6))
  const found = mitigations(project, compiled, scheduled, { schedules: scheduled.schedules, seed }, (_, endMs) => {
    const on = date(endMs)
    return `the plan ends ${text(saved(endMs))} earlier, after ${text(moment(endMs))}${on === undefined ? '' : `, on ${dateText(Date.parse(on))}`}`
  })
  const risks = tasks.map(({ id, name }, t): TaskRisk => {
    const [delay25, delay50, delay100] = delayed[t]?.map(later) ?? [null, null, null]
    return {
      id,
      name,
      criticality: Number((outcomes.criticality[t] as number).toFixed(4)),
      absorbs: length(scheduled.float[t] as number),
      delay25: delay25 ?? null,
      delay50: delay50 ?? null,
      delay100: delay100 ?? null,
    }
  })
  const order = new Map(risks.map((risk, t) => [risk, scheduled.starts[t] as number]))
  return {
    risk: {
      runs: outcomes.runs,
      p50: moment(outcomes.p50),
      p80: moment(outcomes.p80),
      p95: moment(outcomes.p95),
      onTime: Number(outcomes.onTime.toFixed(4)),
      estimated: outcomes.estimated,
      tasks: risks.toSorted((a, b) => b.criticality - a.criticality || (order.get(a) ?? 0) - (order.get(b) ?? 0)),
    },
    mitigation: found.map((each): Remedy => {
      const endDate = date(each.endMs)
      return { ...each, saves: saved(each.endMs), end: moment(each.endMs), ...(endDate !== undefined && { endDate }) }
    }),
  }
}
