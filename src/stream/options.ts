import { type OptionRules, rules } from '../base/options.ts'
import type { Duration } from '../base/duration.ts'
import { describe, InvalidOption } from '../base/errors.ts'
import { type Checkpoint, checkpointRule } from '../checkpoint/index.ts'
import { type PolicyOptions, policyRules } from '../limits/policy.ts'
import type { Executor } from '../run/executor.ts'

/** Options of a stage that calls a function. */
export interface StageOptions<T = unknown> extends PolicyOptions<[item: T]> {
  /** The name of the stage in traces and messages. @default the function's name */
  readonly name?: string
  /**
   * How many calls are under way at most: a whole number from 1 up, `Infinity` written out, or `'auto'`, which adapts to what the
   * other side takes. For worker functions `'auto'` leaves it to the batches of the pool. @default 'auto'
   */
  readonly concurrency?: number | 'auto'
  /**
   * How many results may wait, for their turn or for the consumer, beyond the calls under way. When that many wait, the stage
   * reads no more. Minimum 0. @default as many as may be under way
   */
  readonly buffer?: number
  /** True: results in the order of the items. False: as they come. @default true */
  readonly ordered?: boolean
  /** Runs a worker function somewhere else than on the shared threads. */
  readonly on?: Executor
  /**
   * A journal for what the stage gives: after a crash the same program goes on where it was. The path of a file, the same with options, or
   * a part of an open journal. @default none
   */
  readonly checkpoint?: Checkpoint
  /**
   * Which item a recorded result belongs to: text, another one for each item. @default the item itself, as JSON; equal ones are
   * numbered
   */
  key?(item: T, index: number): string
}

export const stageRules: OptionRules<StageOptions> = {
  ...policyRules,
  checkpoint: checkpointRule,
  key: rules.function,
  name: rules.string,
  concurrency: rules.whole(1, ['auto']),
  buffer: rules.whole(0),
  ordered: rules.boolean,
  on: rules.executor,
}

/** Options of a stage whose results are the items of the next. */
export interface StreamMapOptions<T = unknown> extends StageOptions<T> {
  /**
   * `'stop'`: the first failure stops the whole stream, which rejects with it. `'settle'`: every item's outcome goes on, as
   * `PromiseSettledResult`. @default 'stop'
   */
  readonly onFailure?: 'stop' | 'settle'
}

export const mapRules: OptionRules<StreamMapOptions> = { ...stageRules, onFailure: rules.oneOf('stop', 'settle') }

/** Options of stages that keep the order inside each key. */
export interface KeyedOptions<T = unknown> extends Omit<StreamMapOptions<T>, 'on' | 'buffer'> {
  /**
   * How many items are held beyond the calls under way: those whose key is busy, and results that wait. When that many are, nothing is
   * read until one goes: a key with more work than it can do holds up the others then. Minimum 0. @default 256
   */
  readonly buffer?: number
}

const { on: _on, ...keyedMapRules } = mapRules
export const keyedRules: OptionRules<KeyedOptions> = keyedMapRules

/** A fold is not recorded: what a key has come to depends on everything before, not on one item. */
export interface KeyedReduceOptions<A = unknown> extends Omit<KeyedOptions, 'onFailure' | 'checkpoint' | 'key'> {
  /**
   * A worker function that merges two values of a key, the left one of earlier items. Then items are folded where they were made, block by block, and
   * one value per key and block travels: for few keys. Blocks are cut by the position of items alone, so that the result is the same for any number
   * of workers. `initial` counts once per block then. @default none: every item goes to the worker that folds its key
   */
  readonly combine?: ((left: A, right: A) => A | PromiseLike<A>) | undefined
  /** Runs worker functions somewhere else than on the shared threads. */
  readonly on?: Executor
}

const { onFailure: _onFailure, checkpoint: _checkpoint, key: _key, ...keyedReduceOptions } = keyedMapRules
export const keyedReduceRules: OptionRules<KeyedReduceOptions> = {
  ...keyedReduceOptions,
  combine: rules.function,
  on: rules.executor,
}

/** Options of {@link Stream.batch}. */
export interface BatchOptions<T> {
  /** Most that the costs of a batch may add up to; with the default cost, how many items it has. Minimum 1. */
  readonly size?: number
  /** How long a batch waits for more after its first item. @default until it is full, or the source ends */
  readonly within?: Duration
  /** What an item counts; a number above 0. An item above `size` goes alone. @default 1 for each */
  readonly cost?: (item: T) => number
}

export const batchRules: OptionRules<BatchOptions<never>> = {
  size: rules.number(1),
  within: rules.duration,
  cost: rules.function,
}

/** Windows of a number of items. */
export interface CountWindowOptions {
  /** How many items a window has. Minimum 1. */
  readonly size: number
  /** How many items further the next window begins; less than `size` makes them overlap. From 1 to `size`. @default `size` */
  readonly step?: number
}

/** Windows of time, by when items arrive. */
export interface TimeWindowOptions {
  /** How often a window closes. More than 0. */
  readonly every: Duration
  /** How far back a window reaches; more than `every` makes them overlap. Minimum `every`. @default `every` */
  readonly length?: Duration
  /** Most items that are held; at this many nothing is read until a window has closed. Minimum 1. @default 10000 */
  readonly limit?: number
}

export const windowRules: OptionRules<CountWindowOptions & TimeWindowOptions> = {
  size: rules.whole(1),
  step: rules.whole(1),
  every: rules.duration,
  length: rules.duration,
  limit: rules.whole(1),
}

/** Options of {@link Stream.tee}. */
export interface TeeOptions {
  /** How far the fastest may be ahead of the slowest, in items. Minimum 1. @default 16 */
  readonly buffer?: number
}

export const teeRules = { buffer: rules.whole(1) }

/** @throws {InvalidOption} */
export function checkCount(count: number, where: string): void {
  if ((Number.isInteger(count) && count >= 0) || count === Number.POSITIVE_INFINITY) return
  throw new InvalidOption(`Expected \`count\` of ${where} to be a whole number from 0 up, got ${describe(count)}`)
}
