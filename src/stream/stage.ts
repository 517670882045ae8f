/**
 * How the stages of a pipeline speak to each other: poll and wake, as Rust's `Stream` does, without a promise between stages.
 *
 * A stage asks the one above for an item with {@link Stage.poll}. When there is none yet it gets {@link pending}, and the one above
 * calls {@link Downstream.wake} as soon as asking again is worth it. So items move only when somebody below has room for them
 * (backpressure), and moving one costs two function calls.
 *
 * Invariants:
 * - `poll` never throws: failures go to the run. After the run failed or the segment ended, no source and no function is asked any more.
 * - After `end`, nobody polls again.
 * - `wake` comes at most once per `pending`, and never from inside `poll`.
 */
import type { end } from '../run/source.ts'
import type { Segment } from './segment.ts'

/** Nothing yet. */
export const pending: unique symbol = Symbol('pending')

/** An item, {@link pending}, or `end`: nothing any more. */
export type Polled<T> = T | typeof pending | typeof end

/** What polls a stage. */
export interface Downstream {
  wake(): void
}

/** Ids of the observed tasks that made an item; undefined while nobody observes, and for items straight from a source. */
export type Origin = readonly number[] | undefined

export abstract class Stage<T = unknown> implements Downstream {
  readonly segment: Segment
  /** Where the item that was polled last came from. */
  origin: Origin
  #down: Downstream | undefined
  #waiting = false

  constructor(segment: Segment) {
    this.segment = segment
  }

  abstract poll(): Polled<T>

  /** Called by the stage above: there may be something now. */
  abstract wake(): void

  /** Says who polls from now on. */
  feed(down: Downstream): this {
    this.#down = down
    return this
  }

  /** True while whoever polls has got `pending` and waits for {@link notify}. */
  protected get waiting(): boolean {
    return this.#waiting
  }

  /** To give from `poll` when there is nothing yet. */
  protected wait(): typeof pending {
    this.#waiting = true
    return pending
  }

  /** Wakes whoever waits; does nothing when nobody does. */
  protected notify(): void {
    if (!this.#waiting) return
    this.#waiting = false
    this.#down?.wake()
  }
}

/** A stage that only looks at what passes, with nothing of its own to wait for. */
export abstract class Passing<T = unknown> extends Stage<T> {
  protected readonly up: Stage

  constructor(segment: Segment, up: Stage) {
    super(segment)
    this.up = up.feed(this)
  }

  wake(): void {
    this.notify()
  }
}
