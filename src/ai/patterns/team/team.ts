/**
 * Agents in parallel: a plan of tasks that need one another, also while a planner model is still writing it (LLMCompiler, Kim et al.,
 * arXiv 2312.04511). A task starts as soon as it is planned, what it needs is there, and an agent is free.
 */
import { DependencyFailed, InvalidOption, toError } from '../../../base/errors.ts'
import { checkFunction, checkOptions, type Rule, rules } from '../../../base/options.ts'
import { checkpointRule } from '../../../checkpoint/index.ts'
import { limiter } from '../../../limits/index.ts'
import { keepPartial } from '../../../run/failure.ts'
import { type RunOptions, runRules } from '../../../run/group.ts'
import { scope } from '../../../run/scope.ts'
import { type Checkpointed, type Once, withOnce } from '../once.ts'
import type { Plan } from './team-plan.ts'
import { isSdkAgent, sdkMember, type SdkAgent } from '../../agents/agent.ts'
import type { Agent } from '../../agents/member.ts'
import { type Failures, Round } from './round.ts'

/** How a round of a plan went. */
export interface TeamState {
  readonly results: ReadonlyMap<string, unknown>
  /** Tasks that failed, had no agent, or could not run because one that they need failed. */
  readonly failed: ReadonlyMap<string, Error>
  /** The fault of the plan itself: it cannot be read, it broke off, its planner failed. The correct part of it has run. */
  readonly plan: Error | undefined
}

/** Options of {@link team}. */
export interface TeamOptions<R> extends RunOptions, Checkpointed {
  /** Tasks under way at most. @default 8 */
  readonly concurrency?: number
  /** Makes one answer of the results. @default the record of all results */
  readonly integrate?: (results: Readonly<Record<string, unknown>>) => R | PromiseLike<R>
  /**
   * After a failure, of tasks or of the plan itself: more tasks, which may need results that are there; undefined gives up. @default none, and a
   * plan that is wrong ends the team at once
   */
  readonly replan?: (state: TeamState, round: number) => Plan | undefined | PromiseLike<Plan | undefined>
  /** Rounds of replanning at most. @default 2 */
  readonly replans?: number
}

/** What {@link team} gives. */
export interface TeamResult<R> {
  readonly value: R
  readonly results: Readonly<Record<string, unknown>>
  /** What failed in the rounds before and was made good by another plan. */
  readonly failed: ReadonlyMap<string, Error>
  readonly rounds: number
}

/** A member of a team: a function, what `agent()` gives, or an agent of the AI SDK. */
export type TeamMember = Agent | SdkAgent

const agentsRule: Rule = {
  expected: 'functions or agents by name',
  accepts: (value) =>
    typeof value === 'object' &&
    value !== null &&
    Object.values(value).every((agent) => typeof agent === 'function' || isSdkAgent(agent)),
}
const teamRules = {
  ...runRules,
  checkpoint: checkpointRule,
  concurrency: rules.whole(1),
  integrate: rules.function,
  replan: rules.function,
  replans: rules.whole(0),
}

/**
 * Lets agents work through a plan, as much at once as the plan allows.
 *
 * @param plan a list of tasks, a text, or the result of `streamText` of a planner model, whose tasks start while it still writes
 * @param members by the names that the plan uses: functions, what {@link agent} gives, agents of the AI SDK (`ToolLoopAgent`), or functions that
 *   call `team` again
 * @throws {InvalidGraph} for a plan that is wrong: a line that cannot be read, no task at all, an end in the middle, an unknown agent, an id twice,
 *   a need that is never planned, a circle
 * @throws the error of the planner when its stream fails
 * @throws the first failure of a task, when nothing was replanned; `partialResults(error)` has the results that there were
 *
 * @example
 * const planner = streamText({ model, prompt: planningPrompt })
 * const { value } = await team(planner, { search, compare }, { integrate: ({ answer }) => answer })
 */
export async function team<R = Readonly<Record<string, unknown>>>(
  plan: Plan,
  members: Readonly<Record<string, TeamMember>>,
  options: TeamOptions<R> = {},
): Promise<TeamResult<R>> {
  checkOptions<TeamOptions<R>>(options, teamRules, 'team')
  if (!agentsRule.accepts(members)) throw new InvalidOption('Expected `members` of team to be functions or agents by name')
  const agents = Object.fromEntries(
    Object.entries(members).map(([name, member]) => [name, isSdkAgent(member) ? sdkMember(member) : member]),
  )
  const { concurrency = 8, integrate, replan, replans = 2, checkpoint, ...run } = options
  if (replan) checkFunction(replan, 'replan', 'team')
  const places = limiter({ concurrency, name: 'team' })
  const results = new Map<string, unknown>()
  const failed = new Map<string, Error>()
  const order: string[] = []
  const work = (once: Once): Promise<TeamResult<R>> =>
    scope(
      async (s) => {
        let next: Plan | undefined = plan
        for (let round = 1; ; round++) {
          const again = replan && round <= replans ? replan : undefined
          const failures = await new Round(s, agents, places, results, order, once).run(next, again !== undefined)
          for (const [id, error] of failures.failed) failed.set(id, error)
          if (failures.failed.size === 0 && !failures.plan) {
            const record = inOrder(results, order)
            return { value: integrate ? await integrate(record) : (record as R), results: record, failed, rounds: round }
          }
          next = again && (await again({ results, ...failures }, round))
          if (next === undefined) throw rootFailure(failures)
        }
      },
      { name: 'team', ...run, onFailure: 'settle' },
    )
  try {
    return await withOnce(checkpoint, 'team', work)
  } catch (error) {
    const [id = 'plan'] = [...failed].find(([, failure]) => failure === error) ?? []
    keepPartial(error, { results: inOrder(results, order), completed: results.size, failed: id })
    throw error
  }
}

/** In the order of the plan, whoever was ready first. */
function inOrder(results: ReadonlyMap<string, unknown>, order: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(order.filter((id) => results.has(id)).map((id) => [id, results.get(id)]))
}

/** What failed by itself, rather than because of another. */
function rootFailure({ plan, failed }: Failures): Error {
  const all = [...failed.values()]
  return plan ?? all.find((error) => !(error instanceof DependencyFailed)) ?? toError(all[0])
}
