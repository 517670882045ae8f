/**
 * Agents in parallel: a plan of tasks that need one another, also while a planner model is still writing it (LLMCompiler, Kim et al.,
 * arXiv 2312.04511). A task starts as soon as it is planned, what it needs is there, and an agent is free.
 */
import { Cancelled, DependencyFailed, InvalidGraph, InvalidOption, toError } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { checkFunction, checkOptions, type Rule, rules } from '../base/options.ts'
import { limiter, type Limiter } from '../limits/index.ts'
import { checkpointRule } from '../checkpoint/index.ts'
import { type RunOptions, runRules } from '../run/group.ts'
import { scope, type Scope } from '../run/scope.ts'
import { type Checkpointed, type Once, withOnce } from './once.ts'
import { fillIn, type Plan, tasksOf, type TeamTask } from './plan.ts'

/** Does tasks of one kind. */
export type Agent = (input: string, task: AgentTask, context: TaskContext) => unknown

export interface AgentTask {
  readonly id: string
  /** What it needs, by id. */
  readonly results: Readonly<Record<string, unknown>>
}

/** How a round of a plan went. */
export interface TeamState {
  readonly results: ReadonlyMap<string, unknown>
  /** Tasks that failed, or could not run because one that they need failed. */
  readonly failed: ReadonlyMap<string, Error>
}

export interface TeamOptions<R> extends RunOptions, Checkpointed {
  /** Tasks under way at most. @default 8 */
  readonly concurrency?: number
  /** Makes one answer of the results. @default the record of all results */
  readonly integrate?: (results: Readonly<Record<string, unknown>>) => R | PromiseLike<R>
  /** After a failure: more tasks, which may need results that are there; undefined gives up. @default none */
  readonly replan?: (state: TeamState, round: number) => Plan | undefined | PromiseLike<Plan | undefined>
  /** Rounds of replanning at most. @default 2 */
  readonly replans?: number
}

export interface TeamResult<R> {
  readonly value: R
  readonly results: Readonly<Record<string, unknown>>
  /** What failed in the rounds before and was made good by another plan. */
  readonly failed: ReadonlyMap<string, Error>
  readonly rounds: number
}

const agentsRule: Rule = {
  expected: 'functions by name',
  accepts: (value) =>
    typeof value === 'object' && value !== null && Object.values(value).every((agent) => typeof agent === 'function'),
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
 * @param plan a list of tasks, a text, or the text stream of a planner model
 * @param agents by the names that the plan uses
 * @throws {InvalidGraph} for a circle, an unknown agent, an id twice, a need that is never planned
 * @throws the first failure, when nothing was replanned
 *
 * @example
 * const { textStream } = streamText({ model, prompt: planningPrompt })
 * const { value } = await team(textStream, { search, compare }, { integrate: ({ answer }) => answer })
 */
export async function team<R = Readonly<Record<string, unknown>>>(
  plan: Plan,
  agents: Readonly<Record<string, Agent>>,
  options: TeamOptions<R> = {},
): Promise<TeamResult<R>> {
  checkOptions<TeamOptions<R>>(options, teamRules, 'team')
  if (!agentsRule.accepts(agents)) throw new InvalidOption('Expected `agents` of team to be functions by name')
  const { concurrency = 8, integrate, replan, replans = 2, checkpoint, ...run } = options
  if (replan) checkFunction(replan, 'replan', 'team')
  const places = limiter({ concurrency, name: 'team' })
  const work = (once: Once): Promise<TeamResult<R>> =>
    scope(
      async (s) => {
        const results = new Map<string, unknown>()
        const failed = new Map<string, Error>()
        let next: Plan | undefined = plan
        for (let round = 1; ; round++) {
          const failures = await new Round(s, agents, places, results, once).run(next)
          if (failures.size === 0) {
            const record = Object.fromEntries(results)
            return { value: integrate ? await integrate(record) : (record as R), results: record, failed, rounds: round }
          }
          for (const [id, error] of failures) failed.set(id, error)
          next = replan && round <= replans ? await replan({ results, failed: failures }, round) : undefined
          if (next === undefined) throw rootFailure(failures)
        }
      },
      { name: 'team', ...run, onFailure: 'settle' },
    )
  return withOnce(checkpoint, 'team', work)
}

/** What failed by itself, rather than because of another. */
function rootFailure(failures: ReadonlyMap<string, Error>): Error {
  const all = [...failures.values()]
  return all.find((error) => !(error instanceof DependencyFailed)) ?? (all[0] as Error)
}

/** One plan on its way. */
class Round {
  readonly #scope: Scope
  readonly #agents: Readonly<Record<string, Agent>>
  readonly #places: Limiter
  readonly #results: Map<string, unknown>
  readonly #once: Once
  readonly #failures = new Map<string, Error>()
  readonly #tasks = new Map<string, TeamTask>()
  /** Tasks that wait, by what they wait for. */
  readonly #waiting = new Map<string, TeamTask[]>()
  readonly #missing = new Map<TeamTask, number>()
  #running = 0
  #onIdle: () => void = () => {}

  constructor(s: Scope, agents: Readonly<Record<string, Agent>>, places: Limiter, results: Map<string, unknown>, once: Once) {
    this.#once = once
    this.#scope = s
    this.#agents = agents
    this.#places = places
    this.#results = results
  }

  /** Runs the plan; gives what failed. @throws {InvalidGraph} when the plan is wrong; tasks under way are cancelled */
  async run(plan: Plan): Promise<ReadonlyMap<string, Error>> {
    for await (const task of tasksOf(plan)) {
      if (this.#scope.signal.aborted) throw toError(this.#scope.signal.reason)
      this.#add(task)
    }
    this.#releaseMentions()
    await this.#idle()
    if (this.#missing.size > 0) throw this.#stuck()
    return this.#failures
  }

  #add(task: TeamTask): void {
    if (this.#tasks.has(task.id)) throw new InvalidGraph(`The plan has two tasks "${task.id}"`)
    if (!Object.hasOwn(this.#agents, task.agent)) {
      throw new InvalidGraph(
        `Task "${task.id}" asks for an agent "${task.agent}"; there are ${Object.keys(this.#agents).join(', ')}`,
      )
    }
    this.#tasks.set(task.id, task)
    const missing = needsOf(task).filter((need) => !this.#results.has(need))
    if (missing.length === 0) return this.#start(task)
    this.#missing.set(task, missing.length)
    for (const need of missing) {
      if (this.#failures.has(need)) return this.#skip(task, need)
      this.#waiting.set(need, [...(this.#waiting.get(need) ?? []), task])
    }
  }

  #start(task: TeamTask): void {
    this.#missing.delete(task)
    this.#running++
    void this.#scope
      .fork((context) => this.#places.run(() => this.#work(task, context), { signal: context.signal }), { name: task.id })
      .then(
        (value) => this.#succeeded(task, value),
        (error: unknown) => this.#failed(task, toError(error)),
      )
      .finally(() => {
        if (--this.#running === 0) this.#onIdle()
      })
  }

  async #work(task: TeamTask, context: TaskContext): Promise<unknown> {
    const results = Object.fromEntries(needsOf(task).map((need) => [need, this.#results.get(need)]))
    const agent = this.#agents[task.agent] as Agent
    const input = fillIn(task.input, this.#results)
    return this.#once(task.agent, [task.id, input, results], () => agent(input, { id: task.id, results }, context))
  }

  #succeeded(task: TeamTask, value: unknown): void {
    this.#results.set(task.id, value)
    for (const waiter of this.#waiting.get(task.id) ?? []) this.#oneLess(waiter)
    this.#waiting.delete(task.id)
  }

  #oneLess(waiter: TeamTask): void {
    const missing = this.#missing.get(waiter)
    if (missing === 1) this.#start(waiter)
    else if (missing !== undefined) this.#missing.set(waiter, missing - 1)
  }

  /** The plan is complete: what is mentioned and is no task was plain text. */
  #releaseMentions(): void {
    for (const [id, waiters] of this.#waiting) {
      if (!this.#tasks.has(id)) for (const waiter of waiters) if (waiter.mentions.includes(id)) this.#oneLess(waiter)
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      if (this.#running === 0) resolve()
    })
  }

  #failed(task: TeamTask, error: Error): void {
    this.#failures.set(task.id, error)
    for (const waiter of this.#waiting.get(task.id) ?? []) this.#skip(waiter, task.id)
    this.#waiting.delete(task.id)
  }

  #skip(task: TeamTask, need: string): void {
    if (this.#failures.has(task.id)) return
    this.#missing.delete(task)
    const cause = this.#failures.get(need)
    this.#failed(
      task,
      cause instanceof Cancelled
        ? cause
        : new DependencyFailed(`Task "${task.id}" did not run, because "${need}" failed`, { cause }),
    )
  }

  /** Tasks wait, and nothing runs: for something that was never planned, or for one another. */
  #stuck(): InvalidGraph {
    for (const task of this.#missing.keys()) {
      const unknown = task.needs.find((need) => !this.#tasks.has(need) && !this.#results.has(need))
      if (unknown !== undefined) return new InvalidGraph(`Task "${task.id}" needs "${unknown}", which the plan does not have`)
    }
    const [first] = this.#missing.keys()
    const path = [(first as TeamTask).id]
    for (let at = first; at;) {
      const need = needsOf(at).find((id) => this.#tasks.has(id) && !this.#results.has(id)) as string
      const seen = path.indexOf(need)
      if (seen !== -1) return new InvalidGraph(`Tasks of the plan wait in a circle: ${[...path.slice(seen), need].join(' → ')}`)
      path.push(need)
      at = this.#tasks.get(need)
    }
    return new InvalidGraph('Tasks of the plan wait for one another')
  }
}

function needsOf(task: TeamTask): readonly string[] {
  return [...task.needs, ...task.mentions]
}
