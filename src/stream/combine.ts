/**
 * `reduce` with `combine`: blocks of items are folded on the workers, and what they come to is merged in the tree that the number of blocks fixes. Blocks
 * end at positions that the items alone fix, so that the bits of the result are the same for any number of workers.
 */
import { InvalidOption } from '../base/errors.ts'
import { checkOptions, type OptionRules, rules } from '../base/options.ts'
import { type Executor, type FunctionRef, refOf } from '../run/executor.ts'
import { elsewhere } from '../run/map.ts'
import { MergeTree, mergedBy } from '../run/map-reduce.ts'
import { shapedRef } from '../run/shaped-ref.ts'
import { sizesOf } from '../run/sizes.ts'
import { end } from '../run/source.ts'
import { Blocks, byPosition } from './blocks.ts'
import { BulkStage } from './bulk-stage.ts'
import { collect } from './collect.ts'
import { type Crossing, isPlain, type Step } from './crossing.ts'
import type { Segment } from './segment.ts'
import { type Polled, Stage } from './stage.ts'

/** Options of `reduce` with a worker function. */
export interface ReduceOptions<A> {
  /**
   * A worker function that merges what two neighbouring blocks have come to, left and right; it owns both. Every block begins with `initial`.
   * @default none: all items go to one worker, which folds them in order
   */
  readonly combine?: ((left: A, right: A) => A | PromiseLike<A>) | undefined
  /** Runs worker functions somewhere else than on the shared threads. */
  readonly on?: Executor
}

export const reduceRules: OptionRules<ReduceOptions<unknown>> = { combine: rules.function, on: rules.executor }

/** Merges under way; chosen as for `mapReduce`. */
const mostMerging = 64

export interface Combined {
  readonly fn: unknown
  readonly initial: unknown
  readonly options: ReduceOptions<unknown>
  /** Gets the result. */
  readonly give: (value: unknown) => void
}

/** Undefined where the executor cannot do it. @throws {InvalidOption} */
export function combineStep({ fn, initial, options, give }: Combined): Step | undefined {
  checkOptions<ReduceOptions<unknown>>(options, reduceRules, 'reduce')
  const [fold, combine] = [refOf(fn), refOf(options.combine)]
  if (!fold || !combine)
    throw new InvalidOption('Expected `fn` and `combine` of reduce to be worker functions', {
      hint: 'Define both in a module of their own: export const { fn, combine } = workers(import.meta.url, { … }). On this thread reduce needs no combine.',
    })
  const executor = options.on ?? fold.executor
  if (!executor.keepsValues) return undefined
  const own = (ref: FunctionRef): FunctionRef => (ref.executor === executor ? ref : elsewhere(ref, executor))
  const step = (above?: Crossing): Step => ({
    build: (segment, up) => {
      const name = [...(above?.names ?? []), fold.name].join(' → ')
      const [first = own(fold), ...rest] = [...(above?.parts ?? []), fold].map(own)
      const ref = shapedRef([first, ...rest], { kind: 'fold', ops: above?.ops ?? [] }, name)
      const blocks = new Blocks(segment, up, byPosition, { start: initial, shuffle: 0, partitions: 0 })
      const spec = { name, settles: false, mode: 'map', ordered: true, buffer: 0, timeoutMs: undefined, seals: true } as const
      const folded = new BulkStage(segment, blocks, {
        ...spec,
        executor,
        ref,
        concurrency: 8 * executor.slots,
        sizes: sizesOf(ref),
      })
      return new Combine(segment, folded, own(combine), give)
    },
  })
  return { ...step(), joins: (above) => (isPlain(above) && above.executor === executor ? step(above) : undefined) }
}

class Combine extends Stage<never> {
  readonly #up: Stage
  readonly #tree: MergeTree<unknown>
  readonly #give: (value: unknown) => void
  #blocks = 0
  #merging = 0
  #exhausted = false
  #finishing = false
  #over = false

  constructor(segment: Segment, up: Stage, combine: FunctionRef, give: (value: unknown) => void) {
    super(segment)
    this.#up = up.feed(this)
    this.#tree = new MergeTree(mergedBy(combine), () => segment.stopped)
    this.#give = give
  }

  poll(): Polled<never> {
    this.#collect()
    return this.#over ? end : this.wait()
  }

  wake(): void {
    this.#collect()
  }

  #collect(): void {
    const room = (): boolean => this.#merging < mostMerging && !this.segment.stopped
    this.#exhausted ||= collect(this.#up, room, (value) => this.#await(this.#tree.succeed(this.#blocks++, value)))
    if (!this.#exhausted || this.#merging > 0 || this.#finishing || this.segment.stopped) return
    this.#finishing = true
    this.#await(
      this.#tree.finish().then(() => {
        if (this.#tree.result) this.#give(this.#tree.result.value)
        this.#over = true
      }),
    )
  }

  #await(merging: void | Promise<void>): void {
    if (!merging) return
    const { segment } = this
    this.#merging++
    segment.opened()
    merging
      .then(
        () => {
          this.#merging--
          if (segment.stopped) return
          segment.run.enter(() => {
            this.#collect()
            if (this.#over) this.notify()
          })
        },
        (error: unknown) => {
          if (!segment.stopped) segment.run.fail(error, 'reduce')
        },
      )
      .finally(() => segment.settled())
  }
}
