import type { TaskContext } from '../base/frame.ts'
import { nameOf } from '../base/look.js'
import { checkFunction, checkOptions } from '../base/options.ts'
import type { StageFunction } from './calls.ts'
import { type KeyedOptions, type KeyedReduceOptions, keyedReduceRules } from './options.ts'
import { keyedStep, type Step } from './pipeline-plan.ts'
import type { Stream } from './stream.ts'

type Eventually<T> = T | PromiseLike<T>

/** A pipeline whose next stage keeps the order inside each key; see `Stream.by`. */
export class Keyed<T, K> {
  readonly #key: (item: unknown) => unknown
  readonly #then: (step: Step) => Stream<unknown>
  readonly #run: (step: Step) => Promise<void>

  /**
   * @internal
   * @param then the stream with one more step
   * @param run runs the stream with one more step to its end
   */
  constructor(key: (item: T) => K, then: (step: Step) => Stream<unknown>, run: (step: Step) => Promise<void>) {
    this.#key = key as (item: unknown) => unknown
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
    return this.#then(keyedStep(this.#key, fn as StageFunction, options as KeyedOptions, 'map'))
  }

  /** Calls `fn` on every item, as {@link map} does. */
  async forEach(fn: (item: T, context: TaskContext) => unknown, options: Omit<KeyedOptions<T>, 'onFailure'> = {}): Promise<void> {
    await this.#run(keyedStep(this.#key, fn as StageFunction, { ordered: false, ...(options as KeyedOptions) }, 'forEach'))
  }

  /**
   * Folds the items of each key into one value, in their order. Holds one value per key.
   * @param initial gives the first value of a key
   */
  async reduce<A>(
    fn: (accumulated: A, item: T, context: TaskContext) => Eventually<A>,
    initial: (key: K) => A,
    options: KeyedReduceOptions = {},
  ): Promise<Map<K, A>> {
    checkOptions<KeyedReduceOptions>(options, keyedReduceRules, 'reduce')
    checkFunction(fn, 'fn', 'reduce')
    checkFunction(initial, 'initial', 'reduce')
    const values = new Map<K, A>()
    const fold = async (item: unknown, context: TaskContext): Promise<void> => {
      const key = this.#key(item) as K
      const before = values.has(key) ? (values.get(key) as A) : initial(key)
      values.set(key, await fn(before, item as T, context))
    }
    await this.#run(keyedStep(this.#key, fold, { ordered: false, name: nameOf(fn) || 'reduce', ...options }, 'reduce'))
    return values
  }
}
