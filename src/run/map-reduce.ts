/**
 * Map-reduce with a tree whose shape depends on the input alone: results are merged in pairs of neighbours as a binary
 * counter does, so that the order of completion and the number of workers never change the result, not even its rounding.
 * While it runs it holds O(concurrency + log n) values, never all of them.
 */
import { InvalidOption } from '../base/errors.ts'
import type { TaskContext } from '../base/frame.ts'
import { isThenable, nameOf } from '../base/look.js'
import { checkFunction, checkOptions, type OptionRules, rules } from '../base/options.ts'
import { Sealed } from '../encoding/sealed.js'
import { call } from './call.ts'
import { type FunctionRef, type MergedBlock, refOf } from './executor.ts'
import { Group } from './group.ts'
import type { ItemFunction } from './lanes.ts'
import { checkJournal, elsewhere, type MapOptions, mapRules, runItems } from './map.ts'
import type { Collector } from './outcome.ts'
import { type Input, sourceOf } from './source.ts'

/** Options of {@link mapReduce}. */
export interface MapReduceOptions<T, I = unknown> extends Omit<MapOptions<I>, 'onFailure'> {
  /** The result for a source without items. @default none: an empty source is an error */
  readonly empty?: T
}

type Merge<T> = (left: T, right: T) => T | PromiseLike<T>

const { onFailure: _, ...inherited } = mapRules
const mapReduceRules: OptionRules<MapReduceOptions<unknown>> = { ...inherited, empty: rules.any }

/**
 * Runs `fn` on every item, several at once, and merges the results in pairs, neighbours first.
 *
 * @param merge an associative function of two neighbours, left and right; it may be asynchronous or a worker function. It owns both and may change
 *   them. A worker function on the executor of `fn` merges whole blocks there, and only what is left of them travels
 * @returns the merged result; deterministic for the same input
 * @throws the first failure of `fn` or `merge`; `InvalidOption` for an empty source without `empty`
 *
 * @example
 * const words = await mapReduce(files, countWords, addCounts)
 */
export async function mapReduce<I, T>(
  input: Input<I>,
  fn: (item: I, context: TaskContext) => T | PromiseLike<T>,
  merge: Merge<T>,
  options: MapReduceOptions<NoInfer<T>, NoInfer<I>> = {},
): Promise<T> {
  checkFunction(fn, 'fn', 'mapReduce')
  checkFunction(merge, 'merge', 'mapReduce')
  checkOptions<MapReduceOptions<T>>(options, mapReduceRules, 'mapReduce')
  checkJournal(options)
  const source = sourceOf(input, 'mapReduce')
  const { empty, ...rest } = options
  const group = new Group('mapReduce', nameOf(fn), rest, Number.isFinite(source.size) ? source.size : -1, -1)
  const { on } = options
  const own = refOf(merge)
  // `on` says where `fn` runs; results are merged there too.
  const mergeRef = own && on ? elsewhere(own, on) : own
  const tree = new MergeTree<T>(mergeRef ? mergedBy(mergeRef) : merge, () => group.aborted)
  await runItems(group, source, fn as ItemFunction, tree as Collector, rest, mergeRef)
  if (group.failure) throw group.failure.error
  if (group.aborted) throw group.cancelError()
  if (tree.result) return tree.result.value
  if ('empty' in options) return empty as T
  throw new InvalidOption('mapReduce of a source without items has no result', { hint: 'Give `empty`, the result for no items.' })
}

/** A merged run of neighbours: `position` counts blocks of 2^level items from the start of the input. */
interface Block<T> {
  readonly level: number
  readonly position: number
  readonly value: T
}

/** One number per block: there are at most 53 levels, so 64 of them leave room for 2^47 positions. */
const key = (level: number, position: number): number => position * 64 + level

/** Calls a worker function where the values are: sealed ones go from worker to worker, and only what is the result is opened here. */
export function mergedBy<T>(ref: FunctionRef): Merge<T> {
  const { executor } = ref
  return (left, right) => {
    const sealed = [left, right].flatMap((value, argument) => (value instanceof Sealed ? [{ argument, key: undefined }] : []))
    return call(ref, [left, right], executor.keepsValues ? { seal: true, sealed } : undefined) as Promise<T>
  }
}

export class MergeTree<T> implements Collector {
  readonly passing = true
  /** There when {@link finish} has resolved, unless there were no items. */
  result: { readonly value: T } | undefined
  readonly #merge: Merge<T>
  readonly #stopped: () => boolean
  /** Blocks that wait for their neighbour. */
  readonly #waiting = new Map<number, Block<T>>()

  constructor(merge: Merge<T>, stopped: () => boolean) {
    this.#merge = merge
    this.#stopped = stopped
  }

  fail(): boolean {
    return false
  }

  /** Merges upwards as long as the neighbour is there. */
  succeed(index: number, value: unknown): void | Promise<void> {
    return this.#add({ level: 0, position: index, value: value as T })
  }

  succeedMany(first: number, values: ArrayLike<unknown>): void | Promise<void> {
    return this.#addMany(Array.from(values, (value, i) => ({ level: 0, position: first + i, value: value as T })))
  }

  #addMany(blocks: readonly Block<T>[]): void | Promise<void> {
    let merging: Promise<void>[] | undefined
    try {
      for (const block of blocks) {
        const pending = this.#add(block)
        if (pending) (merging ??= []).push(pending)
      }
    } catch (error) {
      ;(merging ??= []).push(Promise.reject(error as Error))
    }
    return merging && allSettled(merging)
  }

  mergedMany(blocks: readonly MergedBlock[]): void | Promise<void> {
    return this.#addMany(blocks as readonly Block<T>[])
  }

  #add(block: Block<T>): void | Promise<void> {
    for (;;) {
      const neighbour = this.#takeNeighbour(block)
      if (!neighbour) {
        this.#waiting.set(key(block.level, block.position), block)
        return
      }
      const [left, right] = block.position < neighbour.position ? [block, neighbour] : [neighbour, block]
      const merged = this.#merge(left.value, right.value)
      const [level, position] = [block.level + 1, Math.floor(block.position / 2)]
      if (isThenable(merged)) return this.#addLater(level, position, merged)
      block = { level, position, value: merged }
    }
  }

  async #addLater(level: number, position: number, merged: PromiseLike<T>): Promise<void> {
    const value = await merged
    if (!this.#stopped()) await this.#add({ level, position, value })
  }

  #takeNeighbour(block: Block<T>): Block<T> | undefined {
    const name = key(block.level, block.position ^ 1)
    const neighbour = this.#waiting.get(name)
    if (neighbour) this.#waiting.delete(name)
    return neighbour
  }

  /** Merges what is left, from the right end to the left: the last blocks of an input whose length is not a power of two. */
  async finish(): Promise<void> {
    const blocks = [...this.#waiting.values()].sort((a, b) => a.level - b.level)
    const [last, ...rest] = blocks
    if (!last) return
    let { value } = last
    for (const block of rest) {
      if (this.#stopped()) return
      value = await this.#merge(block.value, value)
    }
    this.result = { value: value instanceof Sealed ? (value.open() as T) : value }
  }
}

/** Waits for all of them, and fails with the first failure. */
async function allSettled(promises: readonly Promise<void>[]): Promise<void> {
  for (const outcome of await Promise.allSettled(promises)) if (outcome.status === 'rejected') throw outcome.reason
}
