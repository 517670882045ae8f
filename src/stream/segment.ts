/** What stages see of the run that they belong to: types alone, so that runs and stages need not import each other. */
import type { Cancellation } from '../base/abort.ts'
import type { Clock } from '../base/clock.ts'
import type { Group } from '../run/group.ts'

/** One execution of a pipeline. */
export interface Run {
  readonly group: Group
  readonly clock: Clock
  /** Whether somebody wants to know of every task. */
  readonly observed: boolean
  /** The call in whose frame code of the pipeline runs now; undefined in the frame of the run. */
  runner: object | undefined
  /** A lifetime for stages, inside that of the segment below. */
  segment(below?: Segment): Segment
  /** Runs code of the pipeline that was called from elsewhere, such as by an event of a stream of Node's. */
  enter<T>(body: () => T): T
  /** Asked by sources before each item. True when the event loop has to turn first; `resume` is called once it has. */
  outOfBreath(resume: () => void): boolean
  /** Whether the event loop has to turn before any source is asked again: to ask thousands of them would be in vain. */
  readonly breathless: boolean
  fail(error: unknown, at: number | string): void
  /** Calls `close` when nothing of the run is under way any more; the run ends after that. */
  atEnd(close: () => Promise<void>): void
}

/** The lifetime of some stages: `take` and its like end what is above them while what is below goes on. */
export interface Segment {
  readonly run: Run
  readonly cancellation: Cancellation
  /** Nothing may be started any more. */
  readonly stopped: boolean
  /** A function has started, or a source is being closed. */
  opened(): void
  settled(): void
  /**
   * Calls `close` once when the segment is stopped; what it throws, or its promise rejects with, is a failure of the run.
   * Gives the function that takes it off again, when there is nothing left to close.
   */
  onStop(close: () => unknown): () => void
  /** Nobody below wants anything any more: closes the sources, and cancels the functions under way. */
  stop(): void
}
