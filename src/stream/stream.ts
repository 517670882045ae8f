/**
 * The fluent surface of pipelines. Each method writes a step down; a terminal method, or `for await`, runs them.
 *
 * Long because it is a list: a method of a few lines for each operator, with its documentation. Stages are elsewhere.
 */
import type { Readable } from 'node:stream'
import type { ReadableStream } from 'node:stream/web'
import { type Clock, systemClock } from '../base/clock.ts'
import { InvalidOption } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions } from '../base/options.ts'
import { type RunOptions, runRules } from '../run/group.ts'
import { refOf } from '../run/executor.ts'
import type { Input } from '../run/source.ts'
import { toNode, toWeb } from './adapters.ts'
import type { StageFunction } from './stage-calls.ts'
import { Drain } from './drain.ts'
import { checkInput, feedOf, sizeOf } from './feed.ts'
import { StreamIterator } from './iterator.ts'
import { combineStep, type ReduceOptions, reduceRules } from './combine.ts'
import { flattenStep, type Step } from './crossing.ts'
import { Merge } from './join.ts'
import { foldOn, type Key, keyedFoldStep, keyFunction } from './keyed-fold.ts'
import {
  type BatchOptions,
  checkCount,
  type CountWindowOptions,
  type KeyedOptions,
  type KeyedReduceOptions,
  type StageOptions,
  type StreamMapOptions,
  type TeeOptions,
  teeRules,
  type TimeWindowOptions,
} from './options.ts'
import { Drop, Take } from './passing.ts'
import { accumulate, batchStep, build, callStep, keyedStep, oneByOneStep, type Plan, windowStep } from './pipeline-plan.ts'
import { StreamRun } from './stream-run.ts'
import type { Stage } from './stage.ts'
import { type Branch, runTee } from './tee.ts'

/** What functions of stages return: a value or a promise of it. */
type Eventually<T> = T | PromiseLike<T>
type Each<T, U> = (item: T, context: TaskContext) => Eventually<U>
/** What `flatMap` takes apart. */
export type Many<T> = Iterable<T> | AsyncIterable<T> | ArrayLike<T>

/** Options of {@link stream}. */
export type StreamOptions = RunOptions

interface Settings {
  readonly options: StreamOptions
  /** How many items the source has; -1 when that is not known. */
  readonly total: number
  readonly clock: Clock
}

/**
 * A pipeline: stages that run at once, each on the items that the one before has given. Items are pulled from below: a stage
 * reads only while it has room, so a slow consumer holds back the source, and memory is bounded by the stages' `concurrency` and
 * `buffer`.
 *
 * A stream is used once: by the next stage, by a terminal method (one that gives a promise), or by `for await`. The first
 * failure, a cancellation, and a consumer that needs no more stop the whole pipeline: functions under way are cancelled through
 * their signal, and every source is closed, before the terminal's promise settles.
 */
export class Stream<T> implements AsyncIterable<T> {
  readonly #plan: Plan
  readonly #settings: Settings
  #used = false

  /** @internal Made by {@link stream}. */
  constructor(plan: Plan, settings: Settings) {
    this.#plan = plan
    this.#settings = settings
  }

  // --- Stages -----------------------------------------------------------------------------------------------------------

  /**
   * Calls `fn` on every item, several at once. A worker function runs on the threads, in batches sized by measured time.
   *
   * @example
   * stream(files).map(read, { concurrency: 64 }).map(parse).map(store, { concurrency: 8, retry: 5 })
   */
  map<U>(fn: Each<T, U>, options: StreamMapOptions<T> & { readonly onFailure: 'settle' }): Stream<PromiseSettledResult<U>>
  map<U>(fn: Each<T, U>, options?: StreamMapOptions<T>): Stream<U>
  map(fn: Each<T, unknown>, options: StreamMapOptions<T> = {}): Stream<unknown> {
    return this.#then(callStep(fn as StageFunction, options, 'map', 'map'))
  }

  /** Lets the items pass for which `fn` gives something truthy. */
  filter<S extends T>(fn: (item: T) => item is S): Stream<S>
  filter(fn: Each<T, unknown>, options?: StageOptions<T>): Stream<T>
  filter(fn: Each<T, unknown>, options: StageOptions<T> = {}): Stream<T> {
    return this.#then(callStep(fn as StageFunction, options, 'filter', 'filter'))
  }

  /**
   * Calls `fn` on every item, and gives the items of the iterables that it returns. Ordered, one iterable is read after the
   * other; with `ordered: false` up to `concurrency` are read at once (16 where that is not a number).
   */
  flatMap<U>(fn: Each<T, Many<U>>, options: StageOptions<T> = {}): Stream<U> {
    const call = callStep(fn as StageFunction, options, 'map', 'flatMap')
    const { concurrency } = options
    const width = options.ordered === false ? (typeof concurrency === 'number' ? concurrency : 16) : 1
    return this.#then<U>(call, flattenStep(width))
  }

  /** The first `count` items; with the last of them everything above is stopped. */
  take(count: number): Stream<T> {
    checkCount(count, 'take')
    return this.#then({ ends: true, build: (segment, up, above) => new Take(segment, up, above, count) })
  }

  /** Everything after the first `count` items. */
  drop(count: number): Stream<T> {
    checkCount(count, 'drop')
    return this.#then({ build: (segment, up) => new Drop(segment, up, count) })
  }

  /**
   * Collects items into arrays, for calls that take many: of `size` items, or as many as came `within` a time. The last may be
   * shorter; none is empty.
   */
  batch(options: BatchOptions<T>): Stream<T[]> {
    return this.#then(batchStep(options))
  }

  /**
   * Windows for looking at a stream, which may overlap: of `size` items, or of what arrived during a span of time. Windows of
   * time are counted from the first item, and none is empty; whatever no window has had comes in a last one when the source ends.
   *
   * @example
   * stream(ticks).window({ every: '1s', length: '10s' }).map(average)   // each second, over the last ten
   */
  window(options: CountWindowOptions | TimeWindowOptions): Stream<T[]> {
    return this.#then(windowStep(options))
  }

  /**
   * Groups what follows by key: items with the same key are worked on one after the other, in their order, and different keys
   * at once.
   * @param key gives the key of an item; or the name of the field that has it
   *
   * @example
   * stream(events).by((e) => e.account).map(apply, { concurrency: 32 })
   * stream(files).flatMap(parse).by('account').reduce(add, 0)   // worker functions: rows go from worker to worker
   */
  by<K>(key: (item: T) => K): Keyed<T, Awaited<K>>
  by<K extends FieldOf<T>>(key: K): Keyed<T, T[K]>
  by<K>(key: string | number | ((item: T) => K)): Keyed<T, unknown> {
    if (typeof key !== 'string' && typeof key !== 'number') checkFunction(key, 'key', 'by')
    return new Keyed<T, unknown>(
      key as Key,
      (step) => this.#then(step),
      (step) => this.#then(step).#drain(() => false),
    )
  }

  /** Together with the items of other streams or iterables, as they come. */
  merge<U = T>(...others: readonly (Input<U> | Stream<U>)[]): Stream<T | U> {
    const plans = others.map((other) => (other instanceof Stream ? Stream.planOf(other) : planOfInput(other)))
    return this.#then({
      build: (segment, up) => new Merge(segment, [up, ...plans.map((plan) => build(plan, segment))]),
    })
  }

  // --- Terminals --------------------------------------------------------------------------------------------------------

  /**
   * Gives the whole stream to several consumers at once, and what they return. The fastest is at most `buffer` items ahead of
   * the slowest; one that needs no more holds nobody up.
   *
   * @example
   * const { total, first } = await stream(rows).tee({ total: (s) => s.reduce(add, 0), first: (s) => s.take(10).toArray() })
   */
  async tee<const C extends TeeConsumers<T>>(consumers: C, options: TeeOptions = {}): Promise<TeeResults<C>> {
    checkOptions<TeeOptions>(options, teeRules, 'tee')
    const names = Object.keys(consumers)
    const list = names.map((name) => {
      const consumer = (consumers as Readonly<Record<string, Consumer<T>>>)[name]
      checkFunction(consumer, name, 'tee')
      const read = (branch: Branch): unknown => (consumer as Consumer<T>)(this.#branch(branch))
      return { name: Array.isArray(consumers) ? undefined : name, read }
    })
    const { run, up } = this.#open()
    const results = await runTee(run, up, list, options.buffer ?? 16)
    if (Array.isArray(consumers)) return results as TeeResults<C>
    return Object.fromEntries(names.map((name, index) => [name, results[index]])) as TeeResults<C>
  }

  #branch(branch: Branch): Stream<T> {
    const { total, clock } = this.#settings
    return new Stream({ head: (segment) => branch.open(segment), steps: [] }, { options: {}, total, clock })
  }

  /** Every item, in an array. */
  async toArray(): Promise<T[]> {
    const items: T[] = []
    await this.#drain((item) => {
      items.push(item as T)
      return false
    })
    return items
  }

  /** Calls `fn` on every item, several at once. */
  async forEach(fn: Each<T, unknown>, options: StageOptions<T> = {}): Promise<void> {
    const step = callStep(fn as StageFunction, { ordered: false, ...options }, 'map', 'forEach')
    await this.#then(step).#drain(() => false)
  }

  /**
   * Folds the items into one value, one after the other in their order. Without `initial` the first item is the first value.
   *
   * With a worker function as `fn` one worker folds them; with `combine` every worker folds blocks of them, where stages before have made them.
   * @throws {InvalidOption} for a stream without items, when there is no `initial`
   *
   * @example
   * const total = await stream(paths).flatMap(parse).reduce(add, 0, { combine: plus })   // worker functions
   */
  reduce(fn: (accumulated: T, item: T, context: TaskContext) => Eventually<T>): Promise<T>
  reduce<A>(
    fn: (accumulated: A, item: T, context: TaskContext) => Eventually<A>,
    initial: A,
    options?: ReduceOptions<NoInfer<A>>,
  ): Promise<A>
  async reduce(
    fn: (accumulated: never, item: T, context: TaskContext) => unknown,
    ...rest: [initial?: unknown, options?: ReduceOptions<unknown>]
  ): Promise<unknown> {
    checkFunction(fn, 'fn', 'reduce')
    const there = rest.length > 0 ? this.#reduceThere(fn, rest[0], rest[1] ?? {}) : undefined
    if (there) return there
    const state: { value: unknown } = { value: rest[0] }
    let empty = rest.length === 0
    const fold = accumulate(foldOn(fn, rest[1]?.on) as Parameters<typeof accumulate>[0], state)
    const step = oneByOneStep(
      (item, context) => {
        if (!empty) return fold(item, context)
        empty = false
        state.value = item
        return undefined
      },
      nameOf(fn) || 'reduce',
    )
    await this.#then(step).#drain(() => false)
    if (!empty) return state.value
    throw new InvalidOption('reduce of a stream without items has no result', {
      hint: 'Give `initial`, the result for no items.',
    })
  }

  /** Undefined where `fn` is not a worker function that can be kept where the values are. */
  #reduceThere(fn: unknown, initial: unknown, options: ReduceOptions<unknown>): Promise<unknown> | undefined {
    checkOptions<ReduceOptions<unknown>>(options, reduceRules, 'reduce')
    const { combine, on } = options
    if (combine) {
      let result = initial
      const step = combineStep({ fn, initial, options, give: (value) => (result = value) })
      if (step)
        return this.#then(step)
          .#drain(() => false)
          .then(() => result)
    }
    const ref = refOf(fn)
    if (!ref || (on ?? ref.executor).keepsValues !== true) return undefined
    const values = new Map<unknown, unknown>()
    const step = keyedFoldStep({ key: null, fn: fn as never, initial, options: on ? { on } : {}, values })
    return this.#then(step)
      .#drain(() => false)
      .then(() => (values.size > 0 ? values.get(0) : initial))
  }

  /** Whether `fn` holds for some item; the first one stops the stream. */
  async some(fn: Each<T, unknown>, options: StageOptions<T> = {}): Promise<boolean> {
    let found = false
    const step = callStep(fn as StageFunction, { ordered: false, ...options }, 'map', 'some')
    await this.#then(step).#drain((holds) => (found = Boolean(holds)))
    return found
  }

  /** Whether `fn` holds for every item; the first one for which it does not stops the stream. */
  async every(fn: Each<T, unknown>, options: StageOptions<T> = {}): Promise<boolean> {
    let failed = false
    const step = callStep(fn as StageFunction, { ordered: false, ...options }, 'map', 'every')
    await this.#then(step).#drain((holds) => (failed = !holds))
    return !failed
  }

  /** The first item for which `fn` holds, which stops the stream; undefined when there is none. */
  find<S extends T>(fn: (item: T) => item is S): Promise<S | undefined>
  find(fn: Each<T, unknown>, options?: StageOptions<T>): Promise<T | undefined>
  async find(fn: Each<T, unknown>, options: StageOptions<T> = {}): Promise<T | undefined> {
    let found: unknown
    await this.#then(callStep(fn as StageFunction, options, 'filter', 'find')).#drain((item) => {
      found = item
      return true
    })
    return found as T | undefined
  }

  /** Reads with `for await`: items move only when they are asked for; leaving the loop stops the stream. */
  [Symbol.asyncIterator](): AsyncIterator<T, undefined> {
    return new StreamIterator(() => this.#open()) as AsyncIterator<T, undefined>
  }

  /** As a readable stream of Node's, in object mode. */
  toNode(): Readable {
    return toNode(this)
  }

  /** As a readable stream of the web's. */
  toWeb(): ReadableStream<T> {
    return toWeb(this)
  }

  // --- Running ----------------------------------------------------------------------------------------------------------

  /** The pipeline with more steps; this stream is used up. */
  #then<U>(...steps: readonly Step[]): Stream<U> {
    const { head, steps: before } = this.#use()
    return new Stream<U>({ head, steps: [...before, ...steps] }, this.#settings)
  }

  #use(): Plan {
    if (this.#used) {
      throw new InvalidOption('This stream has been used: by another stage, a terminal or a loop', {
        hint: 'To read it several times use `tee`; to run a pipeline again, build it again.',
      })
    }
    this.#used = true
    return this.#plan
  }

  /** Begins a run of the pipeline; gives it with the last stage. */
  #open(): { run: StreamRun; up: Stage } {
    const plan = this.#use()
    const { options, total, clock } = this.#settings
    const run = new StreamRun(options, total, clock)
    return { run, up: run.enter(() => build(plan, run.segment())) }
  }

  /** Runs to the end, or until `accept` is true for an item. */
  #drain(accept: (item: unknown) => boolean): Promise<void> {
    const { run, up } = this.#open()
    const drain = new Drain(run, up, accept)
    run.enter(() => drain.wake())
    return run.settle()
  }

  /** @internal The plan of a stream that becomes part of another one; with options of its own it stays a run of its own. */
  static planOf(input: Stream<unknown>): Plan {
    return Object.keys(input.#settings.options).length === 0 ? input.#use() : planOfInput(input)
  }
}

/**
 * Begins a pipeline. It runs when a terminal method is called, or when it is iterated.
 *
 * @param source an array, iterable, async iterable, or a readable stream of Node's or the web's; read only as fast as the
 *   pipeline takes items, and closed when it stops early
 * @throws {InvalidOption}
 *
 * @example
 * await stream(paths)
 *   .map(read, { concurrency: 64 })
 *   .map(parse)                                        // a worker function: runs on the threads
 *   .batch({ size: 100, within: '50ms' })
 *   .map(embedAll, { concurrency: 8, retry: 5 })
 *   .reduce(merge, empty)
 */
export function stream<T>(source: Input<T>, options: StreamOptions = {}): Stream<T> {
  return streamWith(systemClock, source, options)
}

/** @internal With a clock of the caller's, for simulations. */
export function streamWith<T>(clock: Clock, source: Input<T>, options: StreamOptions = {}): Stream<T> {
  checkOptions<StreamOptions>(options, runRules, 'stream')
  return new Stream<T>(planOfInput(source, 'stream'), { options, total: sizeOf(source), clock })
}

function planOfInput(input: Input<unknown>, where = 'merge'): Plan {
  checkInput(input, where)
  return { head: (segment) => feedOf(input, segment, where), steps: [] }
}

// --- tee ------------------------------------------------------------------------------------------------------------------

type Consumer<T> = (branch: Stream<T>) => unknown
type TeeConsumers<T> = readonly Consumer<T>[] | Readonly<Record<string, Consumer<T>>>
type TeeResults<C> = { -readonly [K in keyof C]: C[K] extends (...args: never[]) => infer R ? Awaited<R> : never }

// --- by ---------------------------------------------------------------------------------------------------------------------

/** Names of fields that items may be grouped by. */
type FieldOf<T> = keyof T & (string | number)

/** A pipeline whose next stage keeps the order inside each key; see `Stream.by`. */
export class Keyed<T, K> {
  readonly #key: Key
  readonly #then: (step: Step) => Stream<unknown>
  readonly #run: (step: Step) => Promise<void>

  /**
   * @internal
   * @param then the stream with one more step
   * @param run runs the stream with one more step to its end
   */
  constructor(key: Key, then: (step: Step) => Stream<unknown>, run: (step: Step) => Promise<void>) {
    this.#key = key
    this.#then = then
    this.#run = run
  }

  /** Calls `fn` on every item: one after the other for the same key, up to `concurrency` keys at once. */
  map<U>(
    fn: (item: T, context: TaskContext) => Eventually<U>,
    options: KeyedOptions<T> & { readonly onFailure: 'settle' },
  ): Stream<PromiseSettledResult<U>>
  map<U>(fn: (item: T, context: TaskContext) => Eventually<U>, options?: KeyedOptions<T>): Stream<U>
  map(fn: (item: T, context: TaskContext) => unknown, options: KeyedOptions<T> = {}): Stream<unknown> {
    return this.#then(keyedStep(keyFunction(this.#key), fn as StageFunction, options as KeyedOptions, 'map'))
  }

  /** Calls `fn` on every item, as {@link map} does. */
  async forEach(fn: (item: T, context: TaskContext) => unknown, options: Omit<KeyedOptions<T>, 'onFailure'> = {}): Promise<void> {
    await this.#run(
      keyedStep(keyFunction(this.#key), fn as StageFunction, { ordered: false, ...(options as KeyedOptions) }, 'forEach'),
    )
  }

  /**
   * Folds the items of each key into one value, in their order. Holds one value per key, and gives the keys in the order in which they came.
   *
   * With a worker function as `fn` each key is folded on one worker. What worker functions of stages before have made goes there from the worker
   * that made it, where `by` has the name of a field, or a worker function too.
   * @param initial the first value of a key, of which each gets a copy; or a function that gives it. A plain function without parameters is asked
   *   once where workers fold
   * @throws `WorkerCrashed` when a worker that holds values ends
   */
  reduce<A>(
    fn: (accumulated: A, item: T, context: TaskContext) => Eventually<A>,
    initial: (key: K) => Eventually<A>,
    options?: KeyedReduceOptions<NoInfer<A>>,
  ): Promise<Map<K, A>>
  reduce<A>(
    fn: (accumulated: A, item: T, context: TaskContext) => Eventually<A>,
    initial: A,
    options?: KeyedReduceOptions<NoInfer<A>>,
  ): Promise<Map<K, A>>
  async reduce(fn: unknown, initial: unknown, options: KeyedReduceOptions = {}): Promise<Map<K, unknown>> {
    const values = new Map<unknown, unknown>()
    await this.#run(keyedFoldStep({ key: this.#key, fn: fn as never, initial, options, values }))
    return values as Map<K, unknown>
  }
}
