/** Where the results of many items go: one class per shape that a caller can ask for. */
import { sized } from '../base/sized.ts'
import { end, type Source } from './source.ts'

/** What `map` gives with `onFailure: 'settle'`. */
export interface SettledMap<T, I = unknown> {
  /** Every item's outcome, in input order. */
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
  /** A list into which values may be put by index, and what to call then: no copy at all. */
  readonly results?: unknown[]
  stored?(count: number): void
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

/** Values and failures; nothing stops the run. */
export class Outcomes implements Collector {
  readonly #results: (PromiseSettledResult<unknown> | undefined)[] = []
  readonly #failed: { index: number; item: unknown; error: unknown }[] = []

  succeed(index: number, value: unknown): void {
    this.#results[index] = { status: 'fulfilled', value }
  }

  fail(index: number, item: unknown, reason: unknown): boolean {
    this.#results[index] = { status: 'rejected', reason }
    this.#failed.push({ index, item, error: reason })
    return true
  }

  /** Everything that has no outcome yet, also what was never started, gets `reason`; an unbounded source is not read on for it. */
  async settled(source: Source<unknown>, reason: () => unknown): Promise<SettledMap<unknown>> {
    const size = Number.isFinite(source.size) ? source.size : this.#results.length
    for (let index = 0; index < size; index++) {
      if (this.#results[index]) continue
      const item = source.slice?.(index, 1)[0]
      this.fail(index, item === end ? undefined : item, reason())
    }
    const results = this.#results as PromiseSettledResult<unknown>[]
    const ok: unknown[] = []
    for (const result of results) if (result.status === 'fulfilled') ok.push(result.value)
    return { results, ok, failed: this.#failed.sort((a, b) => a.index - b.index) }
  }
}
