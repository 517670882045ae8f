/** A supervisor: a model that plans a team's work while the members do it, and sees what they give. */
import { setImmediate } from '../../base/globals.js'
import { HeddleError } from '../../base/errors.ts'
import { messageOf } from '../../base/look.js'
import { checkOptions, rules } from '../../base/options.ts'
import { inBranch } from '../events/events.ts'
import { readStream, type SdkStream } from '../events/read-stream.ts'
import type { AnyLanguageModel } from '../model/sdk-model.ts'
import { direct, type Once } from '../patterns/once.ts'
import { recordedModel } from './recorded-model.ts'
import { loadSdk } from '../model/load-sdk.ts'
import type { Sdk, Tools } from './sdk.ts'

/** Options of {@link supervisor}. */
export interface SupervisorOptions {
  /** What is to be done. */
  readonly goal: string
  /** What each member is good for, by name. @default their names */
  readonly members?: Readonly<Record<string, string>>
  /** Calls of the model at most. Minimum 1. @default 24 */
  readonly steps?: number
  /** Tasks at most. Minimum 1. @default 100 */
  readonly tasks?: number
}

interface Planned {
  readonly id: string
  readonly agent: string
  readonly input: string
  readonly needs?: readonly string[]
}

/** What a supervisor sees of its team; that of `team`. */
interface Supervised {
  readonly members: readonly string[]
  readonly signal: AbortSignal
  readonly step: Once
  next(): Promise<{ readonly id: string; readonly result?: unknown; readonly error?: Error | undefined } | undefined>
}

/** Of a result as the supervisor reads it. Chosen. */
const longestResult = 8_000

/**
 * A plan that a model makes while the team works: it assigns tasks, waits for results and assigns more, until it is done. Pass it to `team` as the plan.
 *
 * @param model what plans
 * @param options the goal, and bounds
 * @throws {InvalidOption} for a wrong option; the team rejects with what the model fails with
 *
 * @example
 * const plan = supervisor(model, { goal: 'A report about tea', members: { search: 'finds sources', write: 'writes' } })
 * const { results } = await team(plan, { search, write })
 */
export function supervisor(model: AnyLanguageModel, options: SupervisorOptions): (team: Supervised) => AsyncIterable<Planned> {
  const optionRules = { goal: rules.string, members: rules.object, steps: rules.whole(1), tasks: rules.whole(1) }
  checkOptions<SupervisorOptions>(options, optionRules, 'supervisor')
  return (team) => tasksOf(model, options, team)
}

async function* tasksOf(model: AnyLanguageModel, options: SupervisorOptions, team: Supervised): AsyncGenerator<Planned> {
  const queue = new Assigned()
  const planning = plan(model, options, team, queue).then(
    () => queue.end(undefined),
    (error: unknown) => queue.end({ error }),
  )
  try {
    yield* queue
  } finally {
    await planning
  }
}

async function plan(model: AnyLanguageModel, options: SupervisorOptions, team: Supervised, queue: Assigned): Promise<void> {
  const { goal, members = {}, steps = 24, tasks = 100 } = options
  const sdk = await loadSdk<Sdk>('Running a supervisor')
  const known = team.members.map((name) => `- ${name}${members[name] === undefined ? '' : `: ${members[name]}`}`).join('\n')
  const ask = (): SdkStream =>
    sdk.streamText({
      model: team.step === direct ? model : recordedModel(model, team.step, ['supervisor', goal]),
      system: `You lead a team. Assign tasks with the tool assign; tasks run side by side, and $id in an input stands for the result of that task. Read results with the tool wait, and assign more where that helps. When the work is done, answer with a short summary. Members:\n${known}`,
      prompt: goal,
      tools: toolsOf(sdk, team, queue, tasks),
      stopWhen: [sdk.stepCountIs(steps)],
      maxRetries: 0,
      abortSignal: team.signal,
      onError: () => {},
    })
  await inBranch('supervisor', () => readStream(ask()))
}

function toolsOf({ jsonSchema }: Sdk, team: Supervised, queue: Assigned, most: number): Tools {
  const text = { type: 'string' }
  const properties = {
    id: text,
    agent: { type: 'string', enum: team.members },
    input: text,
    needs: { type: 'array', items: text, description: 'Ids of tasks that must be done before.' },
  }
  return {
    assign: {
      description: 'Gives a task to a member. It starts as soon as what it needs is done.',
      inputSchema: jsonSchema({ type: 'object', properties, required: ['id', 'agent', 'input'] }),
      execute: (task: Planned) => {
        if (!team.members.includes(task.agent))
          throw new HeddleError(`There is no member "${task.agent}"; there are ${team.members.join(', ')}`)
        if (queue.ids.has(task.id)) throw new HeddleError(`The task "${task.id}" already exists`)
        if (queue.ids.size >= most) throw new HeddleError(`${most} tasks have been assigned, which is the most`)
        const unknown = task.needs?.find((need) => !queue.ids.has(need))
        if (unknown !== undefined) throw new HeddleError(`"${unknown}" is not a task yet; assign it first`)
        queue.add(task)
        return 'assigned'
      },
    },
    wait: {
      description: 'Waits for the next task that is over, and gives its result.',
      inputSchema: jsonSchema({ type: 'object', properties: {} }),
      execute: async () => {
        // A task that was assigned in this very step is taken up first.
        await queue.taken()
        const next = await team.next()
        if (!next) return 'No task is under way.'
        return next.error ? { id: next.id, failed: messageOf(next.error) } : { id: next.id, result: shown(next.result) }
      },
    },
  }
}

function shown(result: unknown): unknown {
  const text = typeof result === 'string' ? result : JSON.stringify(result)
  return text !== undefined && text.length > longestResult ? `${text.slice(0, longestResult)}…` : (result ?? null)
}

/** Tasks on their way from the supervisor's tools to the team. */
class Assigned implements AsyncIterable<Planned> {
  readonly ids = new Set<string>()
  readonly #tasks: Planned[] = []
  #ended: 'not yet' | 'done' | { readonly error: unknown } = 'not yet'
  #wake: (() => void)[] = []
  #onTaken: (() => void)[] = []

  add(task: Planned): void {
    this.ids.add(task.id)
    this.#tasks.push(task)
    this.#rouse()
  }

  end(failure: { readonly error: unknown } | undefined): void {
    this.#ended = failure ?? 'done'
    this.#rouse()
  }

  /** Resolves when the team has every task. */
  async taken(): Promise<void> {
    while (this.#tasks.length > 0) await new Promise<void>((resolve) => this.#onTaken.push(resolve))
    // The team takes it up in this turn of the event loop.
    await new Promise<void>((resolve) => setImmediate(resolve))
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Planned> {
    for (;;) {
      const task = this.#tasks.shift()
      if (task) {
        if (this.#tasks.length === 0) for (const taken of this.#onTaken.splice(0)) taken()
        yield task
      } else if (this.#ended === 'not yet') await new Promise<void>((resolve) => this.#wake.push(resolve))
      else if (this.#ended === 'done') return
      else throw this.#ended.error
    }
  }

  #rouse(): void {
    for (const each of this.#wake.splice(0)) each()
  }
}
