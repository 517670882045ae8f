/** Where the results of many items go: one class per shape that a caller can ask for. */
import { sized } from '../base/sized-array.ts'
import type { MergedBlock } from './executor.ts'
import type { Source } from './source.ts'

/** The result of `map` with `onFailure: 'settle'`. */
export interface SettledMap<T, I = unknown> {
  /**
   * Every item's outcome, in input order. Made when it is read, at about 60 bytes per item: for millions of items use `ok` and `failed`, which are
   * there already.
   */
  readonly results: readonly PromiseSettledResult<T>[]
  /** The values of those that succeeded, in input order. */
  readonly ok: readonly T[]
  /** Those that failed, in input order. */
  readonly failed: readonly { readonly index: number; readonly item: I; readonly error: unknown }[]
}

/** Takes results as they come, in any order. */
export interface Collector {
  /** Asked for each item, in order, before it is worked on. True, or a promise to wait for: it has its result already. Never throws. */
  skips?(index: number, item: unknown): boolean | Promise<void>
  /** A promise asks the lane to wait before it goes on. */
  succeed(index: number, value: unknown): void | Promise<void>
  /** True when the failure is part of the result; false when it must stop the run. */
  fail(index: number, item: unknown, error: unknown): boolean
  /** Results next to each other, already in an array: the fast way for batches. A promise asks for no more items until then. */
  succeedMany?(first: number, values: ArrayLike<unknown>): void | Promise<void>
  /** Results of neighbours that were merged where they were made, in the place of the `items` from `first` on. */
  mergedMany?(blocks: readonly MergedBlock[]): void | Promise<void>
  /** A list into which values may be put by index, and what to call then: no copy at all. */
  readonly results?: unknown[]
  stored?(count: number): void
  /** Results do not stay here: those that wait for it are to be bounded. @default false */
  readonly passing?: boolean
  /** Called once when every item has succeeded or failed, unless the run was stopped; what it does belongs to the run. */
  finish?(): Promise<void>
}

/** Values in input order; a failure stops the run. */
export class Values implements Collector {
  readonly results: unknown[]
  completed = 0

  constructor(size: number) {
    this.results = Number.isFinite(size) && size > 0 ? sized(size) : []
  }

  succeed(index: number, value: unknown): void {
    this.results[index] = value
    this.completed++
  }

  succeedMany(first: number, values: ArrayLike<unknown>): void {
    const { results } = this
    for (let i = 0; i < values.length; i++) results[first + i] = values[i]
    this.completed += values.length
  }

  stored(count: number): void {
    this.completed += count
  }

  fail(): boolean {
    return false
  }
}

/** In the place of a value: the item failed, and the failure is in the list of these. */
const failed: unique symbol = Symbol('failed')
/** Its item has not settled. Lists may have holes, but a hole reads as undefined, which is a value. */
const open: unique symbol = Symbol('open')

/**
 * Values and failures; nothing stops the run. A value takes the place of one reference: a million items that went well are not a million objects.
 */
export class Outcomes implements Collector {
  readonly #values: unknown[] = []
  readonly #failed: { index: number; item: unknown; error: unknown }[] = []

  succeed(index: number, value: unknown): void {
    this.#fillTo(index)
    this.#values[index] = value
  }

  fail(index: number, item: unknown, error: unknown): boolean {
    this.#fillTo(index)
    this.#values[index] = failed
    this.#failed.push({ index, item, error })
    return true
  }

  /** Lanes settle in any order: what lies between is open. */
  #fillTo(index: number): void {
    while (this.#values.length < index) this.#values.push(open)
  }

  /** Everything that has no outcome yet, also what was never started, gets the reason; an unbounded source is not read on for it. */
  async settled(source: Source<unknown>, reasonOf: () => unknown): Promise<SettledMap<unknown>> {
    const values = this.#values
    if (Number.isFinite(source.size)) this.#fillTo(source.size)
    let reason: { readonly error: unknown } | undefined
    const ok: unknown[] = []
    for (let index = 0; index < values.length; index++) {
      const value = values[index]
      if (value === open) {
        // One for all of them: a million errors of their own, each with a stack, would take a gigabyte.
        reason ??= { error: reasonOf() }
        this.fail(index, itemAt(source, index), reason.error)
      } else if (value !== failed) ok.push(value)
    }
    const failures = this.#failed.sort((a, b) => a.index - b.index)
    let results: PromiseSettledResult<unknown>[] | undefined
    return {
      get results() {
        return (results ??= resultsOf(values, failures))
      },
      ok,
      failed: failures,
    }
  }
}

/** For reports: undefined where the source cannot give it again, and where reading the element throws. */
export function itemAt(source: Source<unknown>, index: number): unknown {
  try {
    return source.slice?.(index, 1)[0]
  } catch {
    return undefined
  }
}

function resultsOf(values: readonly unknown[], failures: SettledMap<unknown>['failed']): PromiseSettledResult<unknown>[] {
  let next = 0
  return values.map((value) =>
    value === failed ? { status: 'rejected', reason: failures[next++]?.error } : { status: 'fulfilled', value },
  )
}
