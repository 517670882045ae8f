/** What a worker may run at home or offer to others; and the line of all of it, oldest first. */
import type { Frame } from '../../base/frame.ts'
import type { WireError } from '../../encoding/encoded.ts'
import type { Callable } from '../call-here.ts'
import type { Cost } from './cost.ts'

/** What costs less is not offered: to send it and to wait for it takes 0.1 to 0.2 ms. */
export const worthMs = 0.4

/** A function as home knows it. */
export interface HomeFunction {
  readonly module: string
  readonly name: string
  readonly cost: Cost
  /** The function; a promise until its module has been loaded and set up. */
  ready(): Callable | Promise<Callable>
}

/** What units ask of home. */
export interface Scheduler {
  /** It has something that may run elsewhere, and stands at the end of the line. */
  keep(unit: Unit): void
  /** It has nothing more. */
  release(unit: Unit): void
  /** Offers the oldest that is worth it, if somebody is idle. Called often. */
  look(): void
  /** Offers the oldest, if somebody is idle: something has come that takes long, or may. */
  offerNow(): void
  /** Something may have begun to wait. */
  idleSoon(): void
  /** The pause for which whatever runs here is to wait, so that the event loop turns; undefined mostly. */
  breathe(): Promise<void> | undefined
  /** Where something that is forked now stands in the tree. */
  depthBelow(frame: Frame): number
  /** Calls a function of that depth. */
  atDepth<T>(depth: number, body: () => T): T
  /** Nobody wants what others have of it. */
  cancel(unit: Unit, reason: unknown): void
}

/** A part of a unit, from its end, as it is offered. */
export interface Given {
  readonly items: readonly unknown[]
  /** Index of the first. */
  readonly first: number
  readonly spread: boolean
  readonly meta: Int32Array | undefined
  /** As in `RunMessage`. */
  readonly key: string | readonly string[] | undefined
  readonly timeoutMs: number | undefined
  /** Milliseconds of `performance.now()` on this thread. */
  readonly deadline: number
}

export interface Unit {
  readonly module: string
  readonly name: string
  /** The batch whose task it belongs to. */
  readonly batch: number
  /** Where it stands in the tree of forks: 1 for what a task from outside forks. */
  readonly depth: number
  /** What is left costs as much at least, as far as its own course shows. */
  leastMs(now: number): number
  /** Takes a part out of what is left, for `idle` others; undefined when there is nothing to offer. */
  give(idle: number): Given | undefined
  /** What it gave could not be sent. */
  stays(given: Given): void
  /** Starts one more at home; false when there is none that it may start. */
  start(): boolean
  /** These are its own again: they were taken back, or nobody had begun them. */
  returned(indexes: readonly number[], given: Given): void
  succeeded(first: number, values: ArrayLike<unknown>): void
  failed(index: number, error: WireError): void
  skipped(index: number): void
  // Neighbours in the line; only the line changes them.
  older?: Unit | undefined
  newer?: Unit | undefined
  inLine?: boolean
}

/** A list in which each finds its neighbours: units leave it in any order. */
export class Line {
  oldest: Unit | undefined
  newest: Unit | undefined

  add(unit: Unit): void {
    if (unit.inLine) return
    unit.inLine = true
    unit.older = this.newest
    unit.newer = undefined
    if (this.newest) this.newest.newer = unit
    else this.oldest = unit
    this.newest = unit
  }

  remove(unit: Unit): void {
    if (!unit.inLine) return
    unit.inLine = false
    const { older, newer } = unit
    if (older) older.newer = newer
    else this.oldest = newer
    if (newer) newer.older = older
    else this.newest = older
  }
}
