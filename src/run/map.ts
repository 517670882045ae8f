import { tellCaller } from '../base/call-site.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { observed } from '../base/observer.ts'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { checkCheckpoint, type Checkpoint, checkpointRule } from '../checkpoint/index.ts'
import { AdaptiveConcurrency } from '../limits/adaptive.ts'
import { Attempt } from '../limits/attempt.ts'
import { compilePolicy, needsTask, type Policy, type PolicyOptions, policyRules, timeoutOnlyMs } from '../limits/policy.ts'
import { Bulk } from './bulk.ts'
import { call, contextOptions } from './call.ts'
import { type Executor, type FunctionRef, refOf } from './executor.ts'
import { keepPartial } from './failure.ts'
import { Group, type RunOptions, runRules } from './group.ts'
import { type ItemFunction, Lanes } from './lanes.ts'
import { type Collector, Outcomes, type SettledMap, Values } from './outcome.ts'
import { Recorded } from './recorded.ts'
import { sizesOf } from './sizes.ts'
import { type Input, type Source, sourceOf } from './source.ts'
import type { RemoteCalls } from './storing.ts'

/** Options of {@link map}. */
export interface MapOptions<I = unknown> extends RunOptions, PolicyOptions<[item: I]> {
  /**
   * How many items are under way at most: a whole number from 1 up, `Infinity` written out, or `'auto'`, which starts at 16 and
   * follows throughput and backs off on overload responses. For worker functions, `'auto'` leaves it to the pool. @default 'auto'
   */
  readonly concurrency?: number | 'auto'
  /**
   * `'stop'`: the first failure cancels the rest, waits until it has settled, and is what `map` rejects with; see
   * `partialResults`. `'settle'`: every item's outcome comes back. @default 'stop'
   */
  readonly onFailure?: 'stop' | 'settle'
  /** Runs a worker function somewhere else than on the shared threads. */
  readonly on?: Executor
  /**
   * A journal for the results: after a crash the same program goes on where it was. The path of a file, the same with options, or a part
   * of an open journal. @default none
   */
  readonly checkpoint?: Checkpoint
  /**
   * Which item a recorded result belongs to: text, another one for each item. @default the item itself, as JSON; equal ones are
   * numbered
   */
  key?(item: I, index: number): string
}

export const mapRules: OptionRules<MapOptions> = {
  ...runRules,
  ...policyRules,
  checkpoint: checkpointRule,
  key: rules.function,
  concurrency: rules.whole(1, ['auto']),
  onFailure: rules.oneOf('stop', 'settle'),
  on: rules.executor,
}

/** Under way at once in a graph where nothing is said: enough to hide the latency of I/O, few enough for any server. */
export const defaultConcurrency = 16

/** Under way at once for calls that go to an executor one by one; the executor batches those of one turn. */
export const callsUnderWay = 1_024

/**
 * Runs `fn` on every item, several at once, and gives the results in input order.
 *
 * @param input an array, typed array, iterable or async iterable; pulled lazily, never ahead by more than the concurrency, and
 *   closed when the run ends early
 * @param fn gets the item and a `TaskContext`. A worker function runs on the threads, in batches sized by measured time
 * @throws the first failure; `partialResults(error)` holds what had completed. Cost without options: two promises per item
 *
 * @example
 * const pages = await map(urls, fetchPage, { concurrency: 32, retry: 3, timeout: '10s' })
 * const { ok, failed } = await map(urls, fetchPage, { onFailure: 'settle' })
 */
export function map<I, T>(
  input: Input<I>,
  fn: (item: I, context: TaskContext) => T | PromiseLike<T>,
  options: MapOptions<NoInfer<I>> & { readonly onFailure: 'settle' },
): Promise<SettledMap<T, I>>
export function map<I, T>(
  input: Input<I>,
  fn: (item: I, context: TaskContext) => T | PromiseLike<T>,
  options?: MapOptions<NoInfer<I>>,
): Promise<T[]>
export async function map(input: Input<unknown>, fn: ItemFunction, options: MapOptions = {}): Promise<unknown> {
  checkFunction(fn, 'fn', 'map')
  checkOptions<MapOptions>(options, mapRules, 'map')
  checkJournal(options)
  const source = sourceOf(input, 'map')
  const settles = options.onFailure === 'settle'
  const group = new Group('map', nameOf(fn), options, sizeOf(source), limitOf(options))
  if (settles) {
    const outcomes = new Outcomes()
    await runItems(group, source, fn, outcomes, options)
    if (group.failure) throw group.failure.error
    const settled = await outcomes.settled(source, () => group.cancelError())
    tellCaller(settled.failed.map(({ error }) => error))
    return settled
  }
  const values = new Values(source.size)
  await runItems(group, source, fn, values, options)
  if (!group.aborted) return values.results
  const error = group.failure ? group.failure.error : group.cancelError()
  keepPartial(error, { results: values.results, completed: values.completed, failed: group.failure?.at ?? -1 })
  throw error
}

/**
 * Runs every item of the source, and resolves when all have settled; failures that must stop the run are in the group. Shared by
 * everything that maps.
 *
 * @param merge a worker function that merges the results of neighbours: where it runs on the workers that made them, the collector gets whole blocks
 */
export async function runItems(
  group: Group,
  source: Source<unknown>,
  fn: ItemFunction,
  collector: Collector,
  options: MapOptions,
  merge?: FunctionRef,
): Promise<void> {
  let recorded: Recorded | undefined
  const whole = async (): Promise<void> => {
    const { checkpoint, key } = options
    if (checkpoint !== undefined) recorded = await Recorded.open(checkpoint, key, group, source, collector)
    const resume = recorded && !needsTask(options) && isRemote(fn, options) ? await recorded.name() : undefined
    if (!group.aborted) await start(group, source, fn, recorded ?? collector, options, recorded ? undefined : merge, resume)
    if (group.aborted) return closeQuietly(source)
    await source.close()
    await collector.finish?.()
  }
  try {
    await group.settled(whole())
  } catch (error) {
    group.fail(error, 'source')
    await closeQuietly(source)
  }
  try {
    // Also when functions that ignored their signal were left behind.
    await recorded?.close()
  } catch (error) {
    group.fail(error, 'checkpoint')
  } finally {
    group.close()
  }
}

/** @throws {InvalidOption} */
export function checkJournal({ checkpoint, key }: MapOptions): void {
  checkCheckpoint(checkpoint)
  if (key === undefined || checkpoint !== undefined) return
  throw new InvalidOption('Expected `checkpoint` to be given with `key`, which says which item a recorded result belongs to')
}

const isRemote = (fn: ItemFunction, { on }: MapOptions): boolean => (on ?? refOf(fn)?.executor)?.reach?.remote === true

function start(
  group: Group,
  source: Source<unknown>,
  fn: ItemFunction,
  collector: Collector,
  options: MapOptions,
  merge: FunctionRef | undefined,
  resume: string | undefined,
): Promise<void> {
  if (!source.slice) source.enter = group.entrance()
  const release = group.cancellation.subscribe(() => void closeQuietly(source))
  const ref = refOf(fn)
  const executor = options.on ?? ref?.executor
  let run: Promise<void>
  if (ref && executor && !needsTask(options)) run = runBulk(executor, ref, group, source, collector, options, merge, resume)
  else {
    if (options.on && !ref) throw notWorkerFunction(fn, 'map')
    const policy = compilePolicy(options, { remote: ref !== undefined })
    const each = ref && executor ? sentTo(executor, ref, options) : fn
    const remote = ref && executor ? { slots: executor.slots, sizes: sizesOf(ref) } : undefined
    run = runLanes(group, source, each, collector, policy, remote, options)
  }
  return run.finally(release)
}

/** The run has a failure already, or was cancelled: what else the source throws is of no interest. */
async function closeQuietly(source: Source<unknown>): Promise<void> {
  try {
    await source.close()
  } catch {}
}

function runLanes(
  group: Group,
  source: Source<unknown>,
  fn: ItemFunction,
  collector: Collector,
  policy: Policy | undefined,
  remote: RemoteCalls | undefined,
  { concurrency = remote ? callsUnderWay : 'auto' }: MapOptions,
): Promise<void> {
  if (concurrency !== 'auto') return new Lanes(group, source, fn, collector, policy, undefined, remote).run(concurrency)
  const adaptive = new AdaptiveConcurrency({}, { name: group.label(), run: group.record.id })
  return new Lanes(group, source, fn, collector, policy, adaptive, remote).run(adaptive.limit)
}

function runBulk(
  executor: Executor,
  ref: FunctionRef,
  group: Group,
  source: Source<unknown>,
  collector: Collector,
  options: MapOptions,
  merge: FunctionRef | undefined,
  resume: string | undefined,
): Promise<void> {
  return new Promise((done) => {
    const limit = limitOf(options)
    executor.bulk(
      ref,
      new Bulk({
        group,
        source,
        collector,
        limit: limit === -1 ? Number.POSITIVE_INFINITY : limit,
        timeoutMs: timeoutOnlyMs(options),
        observed: observed(),
        parentTask: group.record.parentTask,
        sizes: sizesOf(ref),
        merge: merge?.executor === executor && executor.keepsValues ? merge : undefined,
        resume,
        done,
      }),
    )
  })
}

/** Each item as a call of its own, for options that a batch cannot have. The timeout is from its start on the worker. */
export function sentTo(executor: Executor, ref: FunctionRef, options: Pick<PolicyOptions, 'timeout' | 'retry'>): ItemFunction {
  const target = executor === ref.executor ? ref : elsewhere(ref, executor)
  const timeoutMs = timeoutOnlyMs(options)
  const again = options.retry !== undefined
  return (item, context) => {
    const onWaiting = context instanceof Attempt ? context.onWaiting : undefined
    return call(target, [item], { ...contextOptions(context), timeoutMs, onWaiting, again })
  }
}

/** The same function on another executor: the same object each time, because workers keep what they know of it. */
export function elsewhere(ref: FunctionRef, executor: Executor): FunctionRef {
  let known = references.get(ref)
  if (!known) references.set(ref, (known = new WeakMap()))
  let target = known.get(executor)
  if (!target) known.set(executor, (target = { ...ref, executor }))
  return target
}

const references = new WeakMap<FunctionRef, WeakMap<Executor, FunctionRef>>()

function limitOf(options: MapOptions): number {
  return typeof options.concurrency === 'number' ? options.concurrency : -1
}

function sizeOf(source: Source<unknown>): number {
  return Number.isFinite(source.size) ? source.size : -1
}

export function notWorkerFunction(fn: unknown, where: string): InvalidOption {
  return new InvalidOption(`Expected \`fn\` of ${where} to be a worker function because \`on\` is given, got ${describe(fn)}`, {
    hint: 'Define it in a module of its own: export const { name } = workers(import.meta.url, { name(item) { … } }).',
  })
}
