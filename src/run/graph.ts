/** Graphs of tasks: what the model in `../graph` says, with functions, and run. */
import { tellCaller } from '../base/call-site.ts'
import { type Duration } from '../base/duration.ts'
import { describe, InvalidGraph, InvalidOption } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { peek } from '../base/look.js'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { checkCheckpoint, type Checkpoint, checkpointRule, type OpenCheckpoint, openCheckpoint } from '../checkpoint/index.ts'
import {
  anyKnown,
  cull,
  type Durations,
  expectedMs,
  finiteMs,
  GraphModel,
  makePlan,
  type Needs,
  type Plan,
  type ResultsOf,
  type Selection,
  TaskRef,
} from '../graph/index.ts'
import { compilePolicy, type Policy, type PolicyOptions, policyRules } from '../limits/policy.ts'
import { call, contextOptions } from './call.ts'
import { type Executor, refOf } from './executor.ts'
import { keepPartial } from './failure.ts'
import { GraphRun, type TaskFunction } from './graph-run.ts'
import { sealedAmong } from './graph-stays.ts'
import { Group, type RunOptions, runRules } from './group.ts'
import { Learned } from './learned.ts'
import { defaultConcurrency } from './map.ts'

/** Options of one task of a graph. */
export interface GraphTaskOptions extends PolicyOptions {
  /**
   * How long the task is expected to take; orders the ready tasks, and is what `plan` counts with. Finite.
   * @default the mean of the tasks of the run that have one; 1 ms when none has
   */
  readonly estimate?: Duration
  /** Runs a worker function somewhere else than on the shared threads. */
  readonly on?: Executor
}

/** Options of a run; those of the policy hold for each task that does not say otherwise itself. */
export interface GraphRunOptions extends RunOptions, PolicyOptions {
  /** How many tasks are under way at most: a whole number from 1 up, or `Infinity` written out. @default 'auto' */
  readonly concurrency?: number | 'auto'
  /**
   * `'stop'`: the first failure cancels the rest, waits until it has settled, and is what `run` rejects with; see
   * `partialResults`. `'settle'`: what needs a failed task gets `DependencyFailed`, the rest goes on, and each target's outcome comes
   * back. @default 'stop'
   */
  readonly onFailure?: 'stop' | 'settle'
  /** How long tasks took in an earlier run, by name: goes before their estimates. @default none */
  readonly durations?: Durations
  /**
   * The path of a file in which runs keep how long their tasks took: the next run's priorities are the medians of the last twenty. `durations` go before
   * them. The file need not exist. @default nothing is kept
   */
  readonly learn?: string
  /**
   * A journal for the results, by name of the task: after a crash the same graph goes on where it was. The path of a file, the same with
   * options, or a part of an open journal. A task is run again when one that it needs is. @default none
   */
  readonly checkpoint?: Checkpoint
}

/** Options of {@link Graph.plan}. */
export interface PlanOptions {
  /** Slots to plan for: a whole number from 1 up, or `Infinity` written out. @default 'auto' */
  readonly concurrency?: number | 'auto'
  /** How long tasks took in an earlier run, by name: goes before their estimates. @default none */
  readonly durations?: Durations
  /** Plans only what these need. @default the whole graph */
  readonly targets?: TaskRef | Needs
}

const graphTaskRules: OptionRules<GraphTaskOptions> = { ...policyRules, estimate: rules.duration, on: rules.executor }
const planRules: OptionRules<PlanOptions> = {
  concurrency: rules.whole(1, ['auto']),
  durations: rules.object,
  targets: rules.object,
}
const graphRunRules: OptionRules<GraphRunOptions> = {
  ...runRules,
  ...policyRules,
  concurrency: rules.whole(1, ['auto']),
  onFailure: rules.oneOf('stop', 'settle'),
  durations: rules.object,
  learn: rules.string,
  checkpoint: checkpointRule,
}

type SettledOf<N extends Needs> = { -readonly [K in keyof N]: N[K] extends TaskRef<infer T> ? PromiseSettledResult<T> : never }
type Settles = { readonly onFailure: 'settle' }

/** Tasks and what each needs; {@link graph} makes one. Tasks whose needs are done run at once, the longest path first. */
export class Graph {
  readonly #model: GraphModel
  readonly #functions: TaskFunction[] = []
  /** Of the tasks that have policy options of their own. */
  readonly #policies = new Map<number, { readonly options: PolicyOptions; readonly policy: Policy | undefined }>()

  /** @internal Made by {@link graph}. */
  constructor(name: string) {
    this.#model = new GraphModel(name)
  }

  get name(): string {
    return this.#model.name
  }

  /** How many tasks it has. */
  get size(): number {
    return this.#model.size
  }

  /**
   * Adds a task, and gives the value by which others need it and `run` is asked for it. Nothing runs yet.
   *
   * @param needs tasks whose results it gets, as a record or a list; they exist already, so a cycle cannot be written
   * @param fn gets the results under the same names, or in the same order, and a `TaskContext`; without needs, the `TaskContext` alone.
   *   A worker function gets the results and runs on the threads
   * @throws {InvalidGraph} when the name is taken, or a need is not a task of this graph
   *
   * @example
   * const schema = g.task('schema', designSchema)
   * const api = g.task('api', { schema }, ({ schema }, ctx) => buildApi(schema, ctx.signal))
   */
  task<T>(name: string, fn: (context: TaskContext) => T | PromiseLike<T>, options?: GraphTaskOptions): TaskRef<T>
  task<const N extends Needs, T>(
    name: string,
    needs: N,
    fn: (results: ResultsOf<N>, context: TaskContext) => T | PromiseLike<T>,
    options?: GraphTaskOptions,
  ): TaskRef<T>
  task(name: string, second: unknown, third?: unknown, fourth?: GraphTaskOptions): TaskRef {
    const alone = typeof second === 'function'
    const fn = alone ? second : third
    const options = (alone ? third : fourth) as GraphTaskOptions | undefined
    checkFunction(fn, 'fn', `task "${name}"`)
    if (options !== undefined) checkOptions<GraphTaskOptions>(options, graphTaskRules, `task "${name}"`)
    const estimate = options?.estimate
    const estimateMs = estimate === undefined ? undefined : finiteMs(estimate, 'estimate')
    const policy = options && compilePolicy(options)
    const run = taskFunction(name, fn as TaskFunction, alone, options)
    const ref = this.#model.add(name, alone ? undefined : needsOf(name, second), estimateMs)
    this.#functions.push(run)
    if (options && policy) this.#policies.set(ref.index, { options, policy })
    return ref
  }

  /**
   * Runs the targets and what they need, nothing else, the longest path first. A result is let go as soon as everything that
   * needs it has finished.
   *
   * @param targets a task, or a record or list of tasks; the results come back in the same form. Left out: every task, and
   *   the results of those that nobody needs, by name
   * @throws the first failure, once everything has settled; `partialResults(error)` holds what had completed, as far as it had not been
   *   let go
   *
   * @example
   * const release = await g.run(ship)
   * const { api, ui } = await g.run({ api, ui }, { concurrency: 4, onFailure: 'settle' })
   */
  run<T>(target: TaskRef<T>, options: GraphRunOptions & Settles): Promise<PromiseSettledResult<T>>
  run<T>(target: TaskRef<T>, options?: GraphRunOptions): Promise<T>
  run<const N extends Needs>(targets: N, options: GraphRunOptions & Settles): Promise<SettledOf<N>>
  run<const N extends Needs>(targets: N, options?: GraphRunOptions): Promise<ResultsOf<N>>
  run(targets: undefined, options: GraphRunOptions & Settles): Promise<Record<string, PromiseSettledResult<unknown>>>
  run(targets?: undefined, options?: GraphRunOptions): Promise<Record<string, unknown>>
  async run(targets?: TaskRef | Needs, options: GraphRunOptions = {}): Promise<unknown> {
    checkOptions<GraphRunOptions>(options, graphRunRules, 'run')
    const { checkpoint } = options
    checkCheckpoint(checkpoint)
    const wanted = this.#targets(targets, 'run')
    const selection = this.#select(wanted)
    const concurrency = slotsOf(options.concurrency)
    const learned = options.learn === undefined ? undefined : new Learned(options.learn)
    const took = learned && new Float64Array(selection.dag.size).fill(Number.NaN)
    const durations = expectedMs(this.#model, selection.tasks, options.durations, learned?.durations)
    const policyOf = this.#policiesOf(options)
    const settles = options.onFailure === 'settle'
    const group = new Group('graph', this.name, options, selection.dag.size, concurrency)
    const spec = { model: this.#model, selection, functions: this.#functions, policyOf, durations, concurrency, settles, took }
    const run = new GraphRun(group, spec)
    let journal: OpenCheckpoint | undefined
    const whole = async (): Promise<void> => {
      if (checkpoint !== undefined) journal = await openCheckpoint(checkpoint, group.label(), group.record.id)
      if (!group.aborted) await run.run(journal?.steps)
    }
    try {
      await group.settled(whole())
      await journal?.close(run.restored, run.recorded)
    } catch (error) {
      group.fail(error, 'checkpoint')
    } finally {
      group.close()
    }
    if (took) learned?.add(this.#model, selection, took)
    if (settles && !group.failure) {
      tellCaller(run.failures())
      return wanted.collect((i) => run.outcome(selection.targets[i] as number))
    }
    if (!group.aborted) return wanted.collect((i) => run.value(selection.targets[i] as number))
    const error = group.failure ? group.failure.error : group.cancelError()
    const { count, held } = run.completed()
    keepPartial(error, { results: held, completed: count, failed: group.failure?.at ?? -1 })
    throw error
  }

  /**
   * Foretells a run from the estimates: levels, critical path, slack, bounds, and a simulated schedule. `${plan}` is a text for the
   * terminal, `plan.toMermaid()` a drawing.
   */
  plan(options: PlanOptions = {}): Plan {
    checkOptions<PlanOptions>(options, planRules, 'plan')
    const selection = this.#select(this.#targets(options.targets, 'plan'))
    const durations = expectedMs(this.#model, selection.tasks, options.durations)
    const known = anyKnown(this.#model, selection.tasks, options.durations)
    return makePlan(this.#model, selection, durations, slotsOf(options.concurrency), known)
  }

  #select(wanted: Wanted): Selection {
    return cull(this.#model.needStart, this.#model.needs, wanted.tasks)
  }

  /** The tasks that are asked for, and how to give their results the form in which they were asked for. */
  #targets(targets: TaskRef | Needs | undefined, where: string): Wanted {
    const model = this.#model
    if (targets === undefined) {
      const final = model.final()
      return { tasks: final, collect: (at) => Object.fromEntries(Array.from(final, (task, i) => [model.nameOf(task), at(i)])) }
    }
    if (targets instanceof TaskRef) {
      return { tasks: [model.indexOf(targets, () => `What ${where} was asked for`)], collect: (at) => at(0) }
    }
    if (typeof targets !== 'object' || targets === null) {
      throw new InvalidGraph(`Expected ${where} to get a task, or a record or list of tasks, got ${describe(targets)}`, {
        hint: typeof targets === 'string' ? 'Pass the task itself, as g.task(…) gave it, not its name.' : undefined,
      })
    }
    const keys = Object.keys(targets)
    const options = where === 'run' && keys.length > 0 && keys.every((key) => Object.hasOwn(graphRunRules, key))
    if (options && !keys.some((key) => peek(targets, key) instanceof TaskRef)) {
      throw new InvalidGraph(`Expected run to get tasks first, got what look like options: ${keys.join(', ')}`, {
        hint: 'Options are the second argument: g.run(task, { … }), or g.run(undefined, { … }) for every task.',
      })
    }
    const refs: unknown[] = Array.isArray(targets) ? targets : keys.map((key) => (targets as Record<string, unknown>)[key])
    return {
      tasks: refs.map((ref, i) => model.indexOf(ref, () => `Target "${keys[i]}" of ${where}`)),
      collect: (at) =>
        Array.isArray(targets) ? refs.map((_, i) => at(i)) : Object.fromEntries(keys.map((key, i) => [key, at(i)])),
    }
  }

  /** A task's own options go before those of the run; undefined when nobody has any. */
  #policiesOf(options: GraphRunOptions): ((task: number) => Policy | undefined) | undefined {
    const common = compilePolicy(options)
    if (!common) return this.#policies.size === 0 ? undefined : (task) => this.#policies.get(task)?.policy
    const merged = new Map<number, Policy | undefined>()
    for (const [task, own] of this.#policies) merged.set(task, compilePolicy({ ...options, ...given(own.options) }))
    return (task) => (merged.has(task) ? merged.get(task) : common)
  }
}

/** Without what is undefined: that means "not given". */
function given<O extends object>(options: O): O {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as O
}

interface Wanted {
  readonly tasks: ArrayLike<number> & Iterable<number>
  collect(at: (i: number) => unknown): unknown
}

/**
 * Makes an empty graph. A task needs only tasks that exist, so a cycle cannot be written.
 *
 * @param name what traces and messages call it
 * @throws {InvalidOption} when the name is not text, or empty
 * @example
 * const g = graph('release')
 * const build = g.task('build', () => compile())
 * const test = g.task('test', [build], (output) => check(output))
 * await g.run(test)
 */
export function graph(name: string): Graph {
  return new Graph(name)
}

function slotsOf(concurrency: number | 'auto' | undefined): number {
  return typeof concurrency === 'number' ? concurrency : defaultConcurrency
}

function needsOf(name: string, needs: unknown): Needs {
  if (needs !== undefined) return needs as Needs
  throw new InvalidGraph(`Expected the needs of task "${name}" to be a record or a list of tasks, got undefined`, {
    hint: 'A task without needs is written g.task(name, fn).',
  })
}

/** How the runner calls it: always with the results first. A worker function gets no context, because that cannot cross. */
function taskFunction(name: string, fn: TaskFunction, alone: boolean, options: GraphTaskOptions = {}): TaskFunction {
  const ref = refOf(fn)
  const { on } = options
  const again = options.retry !== undefined
  if (on && !ref) {
    throw new InvalidOption(
      `Expected \`fn\` of task "${name}" to be a worker function because \`on\` is given, got ${describe(fn)}`,
      {
        hint: 'Define it in a module of its own: export const { name } = workers(import.meta.url, { name(results) { … } }).',
      },
    )
  }
  if (ref) {
    const target = on ? { ...ref, executor: on } : ref
    const run: TaskFunction = (results, context, seal = false) => {
      const sealed = sealedAmong(results)
      const stays = seal || sealed.length > 0 ? { seal, sealed } : undefined
      return call(target, alone ? [] : [results], { ...contextOptions(context), again, ...stays })
    }
    return Object.assign(run, { executor: target.executor })
  }
  return alone ? (_, context) => (fn as unknown as (context: TaskContext) => unknown)(context) : fn
}
