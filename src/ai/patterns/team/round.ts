/**
 * One plan of a team on its way: tasks start as soon as what they need is there. A state machine over the scope of the team.
 *
 * A task is in one of four states: it waits (`#waiting`), runs (`#running` counts those), has a result, or has failed. What its input mentions
 * is settled when the longest id that it can mean is a task, else when the plan is complete.
 */
import { Cancelled, DependencyFailed, InvalidGraph, toError } from '../../../base/errors.ts'
import type { TaskContext } from '../../../base/frame.ts'
import type { Limiter } from '../../../limits/index.ts'
import type { Scope } from '../../../run/scope.ts'
import type { Once } from '../once.ts'
import { type Plan, tasksOf } from './team-plan.ts'
import { fillIn, meant, type Mention } from './references.ts'
import type { TeamTask } from './task.ts'

/** Does tasks of one kind. */
export type Agent = (input: string, task: AgentTask, context: TaskContext) => unknown

/** What an agent of a team gets. */
export interface AgentTask {
  readonly id: string
  /** What it needs, by id. */
  readonly results: Readonly<Record<string, unknown>>
}

/** What a round leaves behind besides results. */
export interface Failures {
  readonly failed: ReadonlyMap<string, Error>
  /** What was wrong with the plan itself. */
  readonly plan: Error | undefined
}

/** A task that waits for others. */
interface Waiting {
  readonly task: TeamTask
  /** What it needs, by id, as far as that is known. */
  readonly needs: Set<string>
  /** Of `needs`, what is not there yet. */
  readonly missing: Set<string>
  /** What its input may mean by an id that is not planned yet. */
  open: Mention[]
}

export class Round {
  readonly #scope: Scope
  readonly #agents: Readonly<Record<string, Agent>>
  readonly #places: Limiter
  readonly #results: Map<string, unknown>
  readonly #once: Once
  readonly #tasks = new Map<string, TeamTask>()
  readonly #failures = new Map<string, Error>()
  readonly #waiting = new Map<string, Waiting>()
  /** The waiting by what they wait for: a result, or that an id is planned. */
  readonly #waitsFor = new Map<string, Set<Waiting>>()
  #running = 0
  #onIdle: () => void = () => {}

  /** @param results of the rounds before; this round adds its own */
  constructor(scope: Scope, agents: Readonly<Record<string, Agent>>, places: Limiter, results: Map<string, unknown>, once: Once) {
    this.#scope = scope
    this.#agents = agents
    this.#places = places
    this.#results = results
    this.#once = once
  }

  /**
   * Runs the plan as far as it goes.
   * @param forgiving a plan that is wrong still runs as far as it is right, and so do tasks without an agent; else either ends the round at once
   * @throws what is wrong with the plan, or the reason of a cancellation
   */
  async run(plan: Plan, forgiving: boolean): Promise<Failures> {
    let wrong: Error | undefined
    try {
      for await (const task of tasksOf(plan, Object.keys(this.#agents))) {
        this.#throwIfCancelled()
        this.#add(task, forgiving)
      }
    } catch (error) {
      this.#throwIfCancelled()
      wrong = toError(error)
      if (!forgiving) throw wrong
    }
    if (wrong) this.#giveUp(wrong)
    else this.#settleMentions()
    await this.#idle()
    this.#throwIfCancelled()
    if (this.#waiting.size > 0) {
      wrong ??= this.#stuck()
      if (!forgiving) throw wrong
      this.#giveUp(wrong)
    }
    return { failed: this.#failures, plan: wrong }
  }

  #throwIfCancelled(): void {
    if (this.#scope.signal.aborted) throw toError(this.#scope.signal.reason)
  }

  #add(task: TeamTask, forgiving: boolean): void {
    if (this.#tasks.has(task.id)) throw new InvalidGraph(`The plan has two tasks "${task.id}"`)
    this.#tasks.set(task.id, task)
    if (!Object.hasOwn(this.#agents, task.agent)) {
      const names = Object.keys(this.#agents).join(', ')
      const error = new InvalidGraph(`Task "${task.id}" asks for an agent "${task.agent}"; there are ${names}`)
      if (!forgiving) throw error
      this.#failed(task, error)
    } else {
      const node: Waiting = { task, needs: new Set(), missing: new Set(), open: [] }
      this.#waiting.set(task.id, node)
      for (const need of task.needs) this.#need(node, need)
      for (const mention of task.mentions) this.#settle(node, mention)
      this.#startIfReady(node)
    }
    for (const waiter of this.#take(planned(task.id))) this.#reopen(waiter)
  }

  /** The longest id is planned, so it is meant; else it may still come. */
  #settle(node: Waiting, mention: Mention): void {
    const [longest] = mention.candidates
    // A task cannot need itself: its own number is a sum of money.
    if (!longest || longest.id === node.task.id) return
    if (this.#isKnown(longest.id)) return this.#need(node, longest.id)
    node.open.push(mention)
    this.#wait(node, planned(longest.id))
  }

  #reopen(node: Waiting): void {
    const open = node.open
    node.open = []
    for (const mention of open) this.#settle(node, mention)
    this.#startIfReady(node)
  }

  /** The plan is complete: each mention means the longest id that there is, or is plain text. */
  #settleMentions(): void {
    for (const node of this.#waiting.values()) {
      for (const mention of node.open) {
        const found = meant(mention, (id) => id !== node.task.id && this.#isKnown(id))
        if (found) this.#need(node, found.id)
      }
      node.open = []
      this.#startIfReady(node)
    }
  }

  #isKnown(id: string): boolean {
    return this.#tasks.has(id) || this.#results.has(id)
  }

  #need(node: Waiting, need: string): void {
    node.needs.add(need)
    const failure = this.#failures.get(need)
    if (failure) this.#skip(node, need, failure)
    else if (!this.#results.has(need)) {
      node.missing.add(need)
      this.#wait(node, need)
    }
  }

  #wait(node: Waiting, what: string): void {
    const waiters = this.#waitsFor.get(what)
    if (waiters) waiters.add(node)
    else this.#waitsFor.set(what, new Set([node]))
  }

  #take(what: string): Iterable<Waiting> {
    const waiters = this.#waitsFor.get(what) ?? []
    this.#waitsFor.delete(what)
    return waiters
  }

  #startIfReady(node: Waiting): void {
    const { task } = node
    if (node.missing.size > 0 || node.open.length > 0 || !this.#waiting.delete(task.id)) return
    this.#running++
    void this.#scope
      .fork((context) => this.#places.run(() => this.#work(node, context), { signal: context.signal }), { name: task.id })
      .then(
        (value) => this.#succeeded(task, value),
        (error: unknown) => this.#failed(task, toError(error)),
      )
      .finally(() => {
        if (--this.#running === 0) this.#onIdle()
      })
  }

  async #work({ task, needs }: Waiting, context: TaskContext): Promise<unknown> {
    const results = Object.fromEntries([...needs].map((need) => [need, this.#results.get(need)]))
    const agent = this.#agents[task.agent] as Agent
    const input = fillIn(task.input, (id) => needs.has(id), this.#results)
    return this.#once(task.agent, [task.id, input, results], () => agent(input, { id: task.id, results }, context))
  }

  #succeeded(task: TeamTask, value: unknown): void {
    this.#results.set(task.id, value)
    for (const waiter of this.#take(task.id)) {
      waiter.missing.delete(task.id)
      this.#startIfReady(waiter)
    }
  }

  #failed(task: TeamTask, error: Error): void {
    this.#failures.set(task.id, error)
    for (const waiter of this.#take(task.id)) this.#skip(waiter, task.id, error)
  }

  #skip({ task }: Waiting, need: string, cause: Error): void {
    if (!this.#waiting.delete(task.id)) return
    const skipped = new DependencyFailed(`Task "${task.id}" did not run, because "${need}" failed`, { cause })
    this.#failed(task, cause instanceof Cancelled ? cause : skipped)
  }

  /** Nothing more will be planned: what waits for that does not run. */
  #giveUp(cause: Error): void {
    for (const { task, missing, open } of this.#waiting.values()) {
      const hopeless = open.length > 0 || [...missing].some((id) => !this.#tasks.has(id)) || this.#running === 0
      if (!hopeless || !this.#waiting.delete(task.id)) continue
      this.#failed(task, new DependencyFailed(`Task "${task.id}" did not run, because the plan is wrong`, { cause }))
    }
  }

  #idle(): Promise<void> {
    return new Promise((resolve) => {
      this.#onIdle = resolve
      if (this.#running === 0) resolve()
    })
  }

  /** Tasks wait, and nothing runs: for something that was never planned, or for one another. */
  #stuck(): InvalidGraph {
    for (const { task } of this.#waiting.values()) {
      const unknown = task.needs.find((need) => !this.#isKnown(need))
      if (unknown !== undefined) return new InvalidGraph(`Task "${task.id}" needs "${unknown}", which the plan does not have`)
    }
    const path: string[] = []
    for (let [id] = this.#waiting.keys(); id !== undefined; [id] = this.#waiting.get(id)?.missing ?? []) {
      const seen = path.indexOf(id)
      if (seen !== -1) return new InvalidGraph(`Tasks of the plan wait in a circle: ${[...path.slice(seen), id].join(' → ')}`)
      path.push(id)
    }
    return new InvalidGraph('Tasks of the plan wait for one another')
  }
}

/** The key of those that wait until this id is planned; no id begins with a line break. */
function planned(id: string): string {
  return `\n${id}`
}
