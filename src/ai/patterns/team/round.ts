/**
 * One plan of a team on its way: tasks start as soon as what they need is there. The order is that of a growing graph; what runs, runs in the
 * scope of the team. What an input mentions is settled when the longest id that it can mean is a task, else when the plan is complete; until then
 * it holds its task.
 */
import { Cancelled, DependencyFailed, InvalidGraph, Overflow, toError } from '../../../base/errors.ts'
import type { TaskContext } from '../../../base/frame.ts'
import { GrowingGraph } from '../../../graph/index.ts'
import type { Limiter } from '../../../limits/index.ts'
import type { Scope } from '../../../run/scope.ts'
import { type Agent, type AgentTask, HandOver, type RecordingAgent, recordsItself } from '../../agents/member.ts'
import { emit, inBranch } from '../../events/events.ts'
import { direct, type Once } from '../once.ts'
import { TeamWork } from './team-work.ts'
import { type Plan, tasksOf } from './team-plan.ts'
import { fillIn, meant, type Mention } from './references.ts'
import type { TeamTask } from './task.ts'

/** The state that a round leaves behind besides results. */
export interface Failures {
  readonly failed: ReadonlyMap<string, Error>
  /** What was wrong with the plan itself. */
  readonly plan: Error | undefined
}

/** A task of the plan, and what its input mentions. */
interface Planned {
  readonly task: TeamTask
  /** Its needs, by id, as far as they are known. */
  readonly needs: Set<string>
  /** What its input may mean by an id that is not planned yet. */
  open: Mention[]
}

/** Members that hand one task on and on do not do it. Chosen. */
const mostHandOvers = 8
/** How a hand-over stands in a journal: no result has this field by chance. */
const handedOver = 'heddle:hand-over'

function handOverOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !Object.hasOwn(value, handedOver)) return value
  const { to, input } = (value as { [handedOver]: HandOver })[handedOver]
  return new HandOver(to, input)
}

export class Round {
  readonly #scope: Scope
  readonly #agents: Readonly<Record<string, Agent>>
  readonly #places: Limiter
  readonly #results: Map<string, unknown>
  readonly #once: Once
  readonly #tasks = new Map<string, Planned>()
  readonly #graph: GrowingGraph<Error>
  /** Those whose input may mean an id, until that is planned. */
  readonly #mentioned = new Map<string, Set<Planned>>()
  readonly #order: string[]
  readonly #work = new TeamWork(() => this.#running > 0)
  #running = 0
  #onIdle: () => void = () => {}

  /** @param results of the rounds before; this round adds its own @param order ids in the order in which they were planned */
  constructor(
    scope: Scope,
    agents: Readonly<Record<string, Agent>>,
    places: Limiter,
    results: Map<string, unknown>,
    order: string[],
    once: Once,
  ) {
    this.#scope = scope
    this.#agents = agents
    this.#places = places
    this.#results = results
    this.#order = order
    this.#once = once
    this.#graph = new GrowingGraph({
      has: (id) => results.has(id),
      ready: (id) => this.#start(this.#tasks.get(id) as Planned),
      skipped: (id, need, cause) => {
        const error =
          cause instanceof Cancelled
            ? cause
            : new DependencyFailed(`Task "${id}" did not run, because "${need}" failed`, { cause })
        this.#work.settled({ id, error })
        return error
      },
    })
  }

  /**
   * Runs the plan as far as it goes.
   * @param forgiving a plan that is wrong still runs as far as it is right, and so do tasks without an agent; else either ends the round at once
   * @throws what is wrong with the plan, or the reason of a cancellation
   */
  async run(plan: Plan, forgiving: boolean): Promise<Failures> {
    let wrong: Error | undefined
    try {
      const members = Object.keys(this.#agents)
      const given =
        typeof plan === 'function' ? plan(this.#work.seenBy(members, this.#results, this.#once, this.#scope.signal)) : plan
      for await (const task of tasksOf(given, members)) {
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
    if (this.#waits) {
      wrong ??= this.#stuck()
      if (!forgiving) throw wrong
      this.#giveUp(wrong)
    }
    return { failed: this.#graph.failures, plan: wrong }
  }

  #throwIfCancelled(): void {
    if (this.#scope.signal.aborted) throw toError(this.#scope.signal.reason)
  }

  get #waits(): boolean {
    return this.#graph.waiting.next().done !== true
  }

  #add(task: TeamTask, forgiving: boolean): void {
    if (this.#tasks.has(task.id)) throw new InvalidGraph(`The plan has two tasks "${task.id}"`)
    const node: Planned = { task, needs: new Set(), open: [] }
    this.#tasks.set(task.id, node)
    this.#order.push(task.id)
    if (!Object.hasOwn(this.#agents, task.agent)) {
      const names = Object.keys(this.#agents).join(', ')
      const error = new InvalidGraph(`Task "${task.id}" asks for an agent "${task.agent}"; there are ${names}`)
      if (!forgiving) throw error
      this.#graph.fail(task.id, error)
      this.#work.settled({ id: task.id, error })
    } else {
      this.#graph.add(task.id)
      for (const need of task.needs) this.#need(node, need)
      for (const mention of task.mentions) this.#settle(node, mention)
      this.#graph.release(task.id)
    }
    const waiters = this.#mentioned.get(task.id) ?? []
    this.#mentioned.delete(task.id)
    for (const waiter of waiters) this.#reopen(waiter)
  }

  /** The longest id is planned, so it is meant; else it may still come. */
  #settle(node: Planned, mention: Mention): void {
    const [longest] = mention.candidates
    // A task cannot need itself: its own number is a sum of money.
    if (!longest || longest.id === node.task.id) return
    if (this.#isKnown(longest.id)) return this.#need(node, longest.id)
    node.open.push(mention)
    this.#graph.hold(node.task.id)
    const others = this.#mentioned.get(longest.id)
    if (others) others.add(node)
    else this.#mentioned.set(longest.id, new Set([node]))
  }

  #reopen(node: Planned): void {
    const open = node.open
    node.open = []
    for (const mention of open) this.#settle(node, mention)
    for (const _ of open) this.#graph.release(node.task.id)
  }

  /** The plan is complete: each mention means the longest id that there is, or is plain text. */
  #settleMentions(): void {
    for (const id of this.#graph.waiting) {
      const node = this.#tasks.get(id) as Planned
      const open = node.open
      node.open = []
      for (const mention of open) {
        const found = meant(mention, (other) => other !== id && this.#isKnown(other))
        if (found) this.#need(node, found.id)
      }
      for (const _ of open) this.#graph.release(id)
    }
  }

  #isKnown(id: string): boolean {
    return this.#tasks.has(id) || this.#results.has(id)
  }

  #need(node: Planned, need: string): void {
    node.needs.add(need)
    this.#graph.need(node.task.id, need)
  }

  #start(node: Planned): void {
    const { id } = node.task
    this.#running++
    void this.#scope
      .fork((context) => this.#places.run(() => inBranch(id, () => this.#perform(node, context)), { signal: context.signal }), {
        name: id,
      })
      .then(
        (value) => {
          this.#results.set(id, value)
          this.#work.settled({ id, result: value })
          this.#graph.finish(id)
        },
        (error: unknown) => {
          this.#work.settled({ id, error: toError(error) })
          this.#graph.fail(id, toError(error))
        },
      )
      .finally(() => {
        if (--this.#running > 0) return
        this.#work.rouse()
        this.#onIdle()
      })
  }

  async #perform({ task, needs }: Planned, context: TaskContext): Promise<unknown> {
    const results = Object.fromEntries([...needs].map((need) => [need, this.#results.get(need)]))
    let input = fillIn(task.input, (id) => needs.has(id), this.#results)
    let name = task.agent
    for (let handed = 0; ; handed++) {
      const value = await this.#ask(name, input, { id: task.id, results }, context)
      if (!(value instanceof HandOver)) return value
      if (!Object.hasOwn(this.#agents, value.to)) {
        const names = Object.keys(this.#agents).join(', ')
        throw new InvalidGraph(`"${name}" hands task "${task.id}" over to "${value.to}"; there are ${names}`)
      }
      if (handed >= mostHandOvers)
        throw new Overflow(`Task "${task.id}" was handed over ${mostHandOvers} times; "${name}" hands it on once more`)
      emit({ type: 'hand-over', to: value.to })
      ;({ to: name, input } = value)
    }
  }

  async #ask(name: string, input: string, about: Pick<AgentTask, 'id' | 'results'>, context: TaskContext): Promise<unknown> {
    const agent = this.#agents[name] as RecordingAgent
    const task: AgentTask = {
      ...about,
      members: Object.keys(this.#agents).filter((other) => other !== name),
      handOver: (to, handed) => new HandOver(to, handed),
      step: (kind, what, call) => this.#once(`${name}/${kind}`, what, call),
    }
    if (agent[recordsItself]) return agent(input, this.#once === direct ? { ...task, step: direct } : task, context)
    const value = await this.#once(name, [about.id, input, about.results], async () => {
      const given = await agent(input, task, context)
      return given instanceof HandOver ? { [handedOver]: given } : given
    })
    return handOverOf(value)
  }

  /** Nothing more will be planned: what waits for that does not run. */
  #giveUp(cause: Error): void {
    for (const id of this.#graph.waiting) {
      const { open } = this.#tasks.get(id) as Planned
      const unplanned = [...this.#graph.missing(id)].some((need) => !this.#tasks.has(need))
      if (open.length === 0 && !unplanned && this.#running > 0) continue
      this.#graph.fail(id, new DependencyFailed(`Task "${id}" did not run, because the plan is wrong`, { cause }))
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
    for (const id of this.#graph.waiting) {
      const unknown = this.#tasks.get(id)?.task.needs.find((need) => !this.#isKnown(need))
      if (unknown !== undefined) return new InvalidGraph(`Task "${id}" needs "${unknown}", which the plan does not have`)
    }
    const circle = this.#graph.circle()
    return new InvalidGraph(
      circle ? `Tasks of the plan wait in a circle: ${circle.join(' → ')}` : 'Tasks of the plan wait for one another',
    )
  }
}
